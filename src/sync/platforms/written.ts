/**
 * Which values of a row are ours. A link's state tells what the platform holds, whoever wrote it; beside it stands what
 * we wrote last. Where the two agree the value is ours, and is taken away there when it is taken away here. A value that
 * people put there, or changed since, is theirs and stays.
 */
const key = '_written';

type Values = Readonly<Record<string, string | null>>;

/** What we wrote last of each field, out of a link's state. */
function writtenIn(state: Readonly<Record<string, unknown>>): Values {
  const written = state[key];
  return typeof written === 'object' && written !== null ? (written as Values) : {};
}

/** The part of a link's state that remembers it, after these fields were written on top of what was before. */
export function remembering(
  before: Readonly<Record<string, unknown>>,
  wrote: Values,
): { [key]: Record<string, string> } {
  const all = Object.entries({ ...writtenIn(before), ...wrote });
  return {
    [key]: Object.fromEntries(
      all.flatMap(([name, value]) => (value === null || value === '' ? [] : [[name, value]])),
    ),
  };
}

/** Of these fields, which have no value here any more, those that hold there what we wrote. */
export function oursToClear(names: readonly string[], state: Readonly<Record<string, unknown>>): string[] {
  const written = writtenIn(state);
  return names.filter((name) => {
    const held = state[name];
    return typeof held === 'string' && held !== '' && held === written[name];
  });
}
