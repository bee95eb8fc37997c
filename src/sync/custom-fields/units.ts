import { type Ratio, ratio } from './decimal.ts';

/** How many of a kind's smallest unit one of a unit is. Months and days are of different kinds: a month has no length. */
const kinds: readonly Readonly<Record<string, { names: readonly string[]; factor: Ratio }>>[] = [
  {
    months: { names: ['month', 'months', 'mo', 'monat', 'monate', 'mois', 'meses'], factor: ratio(1n) },
    years: { names: ['year', 'years', 'y', 'yr', 'yrs', 'jahr', 'jahre', 'ans'], factor: ratio(12n) },
  },
  {
    hours: { names: ['hour', 'hours', 'h'], factor: ratio(1n) },
    days: { names: ['day', 'days', 'd', 'tag', 'tage'], factor: ratio(24n) },
    weeks: { names: ['week', 'weeks', 'w', 'woche', 'wochen'], factor: ratio(168n) },
  },
  {
    g: { names: ['g', 'gram', 'grams'], factor: ratio(1n) },
    kg: { names: ['kg', 'kilogram', 'kilograms'], factor: ratio(1000n) },
    // The avoirdupois pound is 453.59237 g by definition.
    oz: { names: ['oz', 'ounce', 'ounces'], factor: ratio(45359237n, 1600000n) },
    lb: { names: ['lb', 'lbs', 'pound', 'pounds'], factor: ratio(45359237n, 100000n) },
  },
  {
    mm: { names: ['mm', 'millimeter', 'millimeters'], factor: ratio(1n) },
    cm: { names: ['cm', 'centimeter', 'centimeters'], factor: ratio(10n) },
    m: { names: ['m', 'meter', 'meters'], factor: ratio(1000n) },
    // The inch is 25.4 mm by definition.
    in: { names: ['in', 'inch', 'inches', '"'], factor: ratio(254n, 10n) },
    ft: { names: ['ft', 'foot', 'feet'], factor: ratio(3048n, 10n) },
    yd: { names: ['yd', 'yard', 'yards'], factor: ratio(9144n, 10n) },
  },
  {
    ml: { names: ['ml', 'milliliter', 'milliliters'], factor: ratio(1n) },
    l: { names: ['l', 'liter', 'liters'], factor: ratio(1000n) },
  },
];

/** Every unit that a field can be kept in. */
export const units: readonly string[] = kinds.flatMap((kind) => Object.keys(kind));

/** What to multiply by to get from one unit to the other; null where they are not of one kind or not known. */
export function conversion(from: string, to: string): Ratio | null {
  for (const kind of kinds) {
    const target = kind[to];
    const given = Object.values(kind).find((one) => one.names.includes(from.trim().toLowerCase()));
    if (target !== undefined && given !== undefined)
      return ratio(given.factor.over * target.factor.under, given.factor.under * target.factor.over);
  }
  return null;
}
