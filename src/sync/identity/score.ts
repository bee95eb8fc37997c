import { type Agreement, type agreementLevels, type MatchField, matchFields } from './compare.ts';

/**
 * The model of Fellegi and Sunter: per field and level how often it occurs among pairs that are one person (`m`) and
 * among pairs that are two (`u`). Its weight is log2(m / u) bits; the weights of the fields add up.
 */
export interface MatchParameters {
  levels: { [F in MatchField]: Readonly<Record<string, { m: number; u: number }>> };
  /** Bits before anything is compared: log2 of the chance that two customers taken blindly are one person. */
  priorBits: number;
  /** From here on two customers are one without asking. */
  mergeBits: number;
  /** From here on a person is asked. */
  reviewBits: number;
}

export interface Contribution {
  field: MatchField;
  level: string;
  bits: number;
  words: string;
}

export interface Score {
  /** Prior and all contributions together. */
  bits: number;
  /** Chance that the two are one person, under the model. */
  probability: number;
  contributions: Contribution[];
}

export function scoreAgreement(agreement: Agreement, parameters: MatchParameters): Score {
  const contributions = matchFields.flatMap((field): Contribution[] => {
    const level = agreement[field];
    if (level === 'missing') return [];
    return [{ field, level, bits: bitsOf(parameters, field, level), words: wordsOf(field, level) }];
  });
  const bits = contributions.reduce((sum, one) => sum + one.bits, parameters.priorBits);
  const odds = 2 ** bits;
  return { bits: round(bits), probability: odds / (1 + odds), contributions };
}

function bitsOf(parameters: MatchParameters, field: MatchField, level: string): number {
  const chance = parameters.levels[field][level];
  return chance === undefined ? 0 : round(Math.log2(chance.m / chance.u));
}

function round(bits: number): number {
  return Math.round(bits * 10) / 10;
}

function wordsOf(field: MatchField, level: string): string {
  return words[field][level as never] ?? `${field}: ${level}`;
}

const words: { [F in MatchField]: Readonly<Record<(typeof agreementLevels)[F][number], string>> } = {
  email: {
    same: 'The same mailbox.',
    shared: 'The same mailbox, but one that several people use.',
    close: 'Almost the same e-mail address.',
    different: 'Different e-mail addresses.',
    missing: 'No e-mail address to compare.',
  },
  phone: {
    same: 'The same telephone number.',
    shared: 'The same telephone number, but one that several people use.',
    close: 'Telephone numbers that differ by one digit.',
    different: 'Different telephone numbers.',
    missing: 'No telephone number to compare.',
  },
  firstName: {
    same: 'The same first name.',
    alias: 'First names that stand for one another.',
    close: 'First names spelled almost alike.',
    initial: 'First names with the same initial.',
    different: 'Different first names.',
    missing: 'No first name to compare.',
  },
  lastName: {
    same: 'The same last name.',
    close: 'Last names spelled almost alike.',
    part: 'One last name is part of the other.',
    different: 'Different last names.',
    missing: 'No last name to compare.',
  },
  address: {
    same: 'The same address.',
    building: 'The same house, but not surely the same flat, or a house of many.',
    close: 'Almost the same address.',
    area: 'The same postal area.',
    different: 'Different addresses.',
    missing: 'No address to compare.',
  },
  company: {
    same: 'The same company.',
    different: 'Different companies.',
    missing: 'No company to compare.',
  },
  birthDate: {
    same: 'The same date of birth.',
    close: 'Dates of birth that differ by a slip.',
    part: 'The same year of birth, as far as it is told.',
    different: 'Different dates of birth.',
    missing: 'No date of birth to compare.',
  },
  taxId: {
    same: 'The same tax or national id.',
    shared: 'The same tax or national id, but one that several people use.',
    close: 'Tax or national ids that differ by one character.',
    different: 'Different tax or national ids.',
    missing: 'No tax or national id to compare.',
  },
};
