import type { Sql } from '../../loaders/sql.ts';

/** SQL of which most is known once an operation has been read, and some only with its arguments. */
export type Template = readonly Piece[];
type Piece = string | ((run: Run) => string);

/** One execution: its variables, and the parameters it has given out so far. */
export class Run {
  readonly values: unknown[] = [];
  readonly variables: Record<string, unknown>;

  constructor(variables: Record<string, unknown>) {
    this.variables = variables;
  }

  parameter(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  splice(piece: Sql): string {
    let text = piece.parts[0] ?? '';
    for (let index = 0; index < piece.values.length; index += 1) {
      text += `${this.parameter(piece.values[index])}${piece.parts[index + 1] ?? ''}`;
    }
    return text;
  }
}

/** Puts texts, templates and late texts together; neighbouring texts become one. */
export function template(
  strings: TemplateStringsArray,
  ...inserts: readonly (string | Template | ((run: Run) => string))[]
): Template {
  const pieces: Piece[] = [];
  const add = (piece: Piece): void => {
    const last = pieces.length - 1;
    if (typeof piece === 'string' && typeof pieces[last] === 'string') pieces[last] += piece;
    else pieces.push(piece);
  };
  strings.forEach((text, index) => {
    add(text);
    const insert = inserts[index];
    if (insert === undefined) return;
    if (typeof insert === 'string' || typeof insert === 'function') add(insert);
    else for (const piece of insert) add(piece);
  });
  return pieces;
}

export function list(items: readonly Template[]): Template {
  return items.reduce((all, item, index) => (index === 0 ? item : template`${all}, ${item}`), [] as Template);
}

export function render(pieces: Template, run: Run): string {
  let text = '';
  for (const piece of pieces) text += typeof piece === 'string' ? piece : piece(run);
  return text;
}
