// Numbers, shares, durations and times as the reader's own language writes them.

const locale = () => (typeof navigator === 'undefined' ? 'en-US' : navigator.language);

export const count = (value: number) => new Intl.NumberFormat(locale()).format(value);

export const compact = (value: number) =>
  new Intl.NumberFormat(locale(), { notation: 'compact', maximumFractionDigits: 1 }).format(value);

export const percent = (share: number, digits = 1) =>
  new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: digits }).format(share);

/** Microseconds, in the unit that reads best. */
export function duration(us: number): string {
  const [value, unit] =
    us < 1_000 ? [us, 'µs'] : us < 1_000_000 ? [us / 1_000, 'ms'] : us < 120_000_000 ? [us / 1_000_000, 's'] : [us / 60_000_000, 'min'];
  const digits = value >= 100 || unit === 'µs' ? 0 : value >= 10 ? 1 : 2;
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value)} ${unit}`;
}

export const moment = (at: string) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(at));

export const day = (at: string) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(at));

export const shortDay = (at: string) =>
  new Intl.DateTimeFormat(locale(), { month: 'short', day: 'numeric', timeZone: 'UTC' }).format(new Date(at));

/** The moment of a field of date and time, as the control API reads it; undefined where it is empty. */
export const momentIn = (text: string | undefined) => (text ? new Date(text).toISOString() : undefined);

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1],
];

/** How long ago, or in how long. */
export function ago(at: string, style: Intl.RelativeTimeFormatStyle = 'long'): string {
  const seconds = (new Date(at).getTime() - Date.now()) / 1_000;
  const [unit, length] = STEPS.find(([, one]) => Math.abs(seconds) >= one) ?? ['second', 1];
  return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto', style }).format(Math.round(seconds / length), unit);
}
