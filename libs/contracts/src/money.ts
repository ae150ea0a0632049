/**
 * Money is an integer number of minor units (cents) and a currency. In JSON it is a decimal string ("12.50"); a JSON
 * number is accepted on input when it is exact for the currency.
 */
export interface Money {
  /** Integer, in the currency's minor unit. */
  minor: bigint;
  currency: Currency;
}

/** ISO 4217 exponents of the currencies that are not 2; source: ISO 4217 list one, 2024. */
const EXPONENTS: Readonly<Record<string, number>> = {
  BHD: 3,
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  IQD: 3,
  ISK: 0,
  JOD: 3,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  PYG: 0,
  RWF: 0,
  TND: 3,
  UGX: 0,
  UYI: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
};

/** Three capital letters. */
export type Currency = string;

export const DEFAULT_CURRENCY: Currency = 'EUR';

/** Largest amount taken, so that sums stay within SQL's INT8: 10^15 minor units. */
export const MAX_MINOR = 10n ** 15n;

export const isCurrency = (text: string): boolean => /^[A-Z]{3}$/.test(text);

export const exponentOf = (currency: Currency): number => EXPONENTS[currency] ?? 2;

/** Says what is wrong with an amount; `message` is a sentence for the person who sent it. */
export class MoneyError extends Error {
  override readonly name = 'MoneyError';
}

/**
 * Minor units of a decimal.
 *
 * @param value "12.50", "12.5", "12" or the JSON number 12.5
 * @throws MoneyError when it is no decimal, negative, too large, or finer than the currency
 */
export function parseMoney(value: string | number, currency: Currency): bigint {
  // The shortest text that reads back as the same double is what the client wrote, so 12.1 is exact and 0.1+0.2 is not.
  const text = typeof value === 'number' ? String(value) : value;
  const match = /^(\d{1,16})(?:\.(\d{1,16}))?$/.exec(text);
  if (!match) throw new MoneyError(`${JSON.stringify(value)} is not a non-negative decimal such as "12.50"`);
  const exponent = exponentOf(currency);
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (fraction.length > exponent) {
    throw new MoneyError(`${text} is not exact in ${currency}, which has ${exponent} decimal places`);
  }
  const minor = BigInt(`${match[1]}${fraction.padEnd(exponent, '0')}`);
  if (minor > MAX_MINOR) throw new MoneyError(`${text} ${currency} is more than this platform takes`);
  return minor;
}

/** Decimal string with all of the currency's places: "12.50". */
export function formatMoney(minor: bigint, currency: Currency): string {
  const exponent = exponentOf(currency);
  const sign = minor < 0n ? '-' : '';
  const digits = (minor < 0n ? -minor : minor).toString().padStart(exponent + 1, '0');
  if (exponent === 0) return sign + digits;
  return `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}
