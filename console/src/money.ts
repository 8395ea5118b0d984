// Amounts come as text in dollars, exact to the nano-dollar, and stay exact: they are counted as
// whole nano-dollars and never pass through a floating-point number.

const NANO = 1_000_000_000n;
const AMOUNT = /^(-?)(\d+)(?:\.(\d{1,9}))?$/;

/** Dollars as text to whole nano-dollars. Throws RangeError where it isn't such a text. */
export function nanoOf(dollars: string): bigint {
  const [, sign, whole, part] = AMOUNT.exec(dollars) ?? [];
  if (whole === undefined) throw new RangeError(`not an amount in dollars: ${dollars}`);
  const nano = BigInt(whole) * NANO + BigInt((part ?? '').padEnd(9, '0'));
  return sign ? -nano : nano;
}

/** Whole nano-dollars to dollars as text, without zeros at the end. */
export function dollarsOf(nano: bigint): string {
  const [sign, size] = nano < 0n ? ['-', -nano] : ['', nano];
  const part = (size % NANO).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sign}${size / NANO}${part ? `.${part}` : ''}`;
}

/** The sum of amounts, exact; what isn't known is left out. */
export function sumOf(amounts: Iterable<string | null | undefined>): string {
  let sum = 0n;
  for (const amount of amounts) if (amount !== null && amount !== undefined) sum += nanoOf(amount);
  return dollarsOf(sum);
}

const locale = () => (typeof navigator === 'undefined' ? 'en-US' : navigator.language);
const currency = { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' } as const;

/** Every digit there is, at least cents. */
export function exactly(dollars: string, where = locale()): string {
  return format(dollars, { minimumFractionDigits: 2, maximumFractionDigits: 9 }, where);
}

/** For headlines: cents, or three digits of what is less than a dollar. */
export function roughly(dollars: string, where = locale()): string {
  const nano = nanoOf(dollars);
  const size = nano < 0n ? -nano : nano;
  const small = size !== 0n && size < NANO && size % (NANO / 100n) !== 0n;
  const digits = small ? { maximumSignificantDigits: 3 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return format(dollars, digits, where);
}

function format(dollars: string, digits: Intl.NumberFormatOptions, where: string): string {
  // Given as text a number is read as an exact decimal.
  return new Intl.NumberFormat(where, { ...currency, ...digits }).format(dollars as unknown as number);
}

/** Beside an axis: three digits at most, and cents at least of what is small. */
export function onAxis(value: number): string {
  const small = value !== 0 && Math.abs(value) < 10;
  const digits = small ? { minimumFractionDigits: 2, maximumFractionDigits: 4 } : { notation: 'compact' as const, maximumSignificantDigits: 3 };
  return new Intl.NumberFormat(locale(), { ...currency, ...digits }).format(value);
}

/** As a plain number, for lengths in charts only. */
export function approximately(dollars: string): number {
  return Number(dollars);
}
