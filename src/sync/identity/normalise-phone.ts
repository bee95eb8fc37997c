import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js';

/**
 * E.164, or null where the text is no number that anybody can be called on. A number without its country's code is read
 * in the country given: the person's own, else the shop's.
 */
export function phoneNumber(phone: string | null | undefined, country: string | null): string | null {
  const text = phone?.trim() ?? '';
  if (text === '') return null;
  const region = country?.toUpperCase();
  const number =
    region !== undefined && isSupportedCountry(region)
      ? parsePhoneNumberFromString(text, region as CountryCode)
      : parsePhoneNumberFromString(text);
  if (number?.isPossible() !== true || isFiller(number.nationalNumber)) return null;
  return number.number;
}

/** Whether it is a country whose telephone numbers are known, by its two letters. */
export function isCountry(code: string): boolean {
  return isSupportedCountry(code.toUpperCase());
}

/** 000 0000, 555 5555 or 123 4567: typed to get past a form that demands a number. */
function isFiller(digits: string): boolean {
  const tail = digits.slice(-7);
  return /^(\d)\1+$/.test(tail) || '01234567890'.includes(tail) || '9876543210'.includes(tail);
}
