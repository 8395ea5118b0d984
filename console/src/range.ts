import { useMemo } from 'react';
import { useUrl } from './url';

const MINUTE_MS = 60_000;
const HOURS: Record<string, number> = { '1h': 1, '24h': 24, '1d': 24, '7d': 168, '30d': 720, '90d': 2160 };
const CUSTOM = /^(\d{4}-\d{2}-\d{2})\.\.(\d{4}-\d{2}-\d{2})$/;

export const RANGES = ['1h', '24h', '7d', '30d', '90d'];
/** Of pages whose figures are sums by whole days in UTC: `1d` is today. */
export const RANGES_OF_DAYS = ['1d', '7d', '30d', '90d'];
export const DEFAULT_RANGE = '7d';

export interface Range {
  /** As in the address: `7d`, or `2026-11-01..2026-11-15`. */
  key: string;
  /** RFC 3339, inclusive; a whole minute, so that a page asks the same again. */
  since: string;
  /** RFC 3339, exclusive; undefined is now. */
  until: string | undefined;
  /** What the insights take: days, at least one. */
  period: string;
  /** What a series is split by. */
  by: 'hour' | 'day';
}

/** Read a range; anything unknown is the default. */
export function rangeOf(text: string | undefined, now = Date.now()): Range {
  const custom = CUSTOM.exec(text ?? '');
  if (custom?.[1] && custom[2] && custom[1] <= custom[2]) {
    const end = new Date(`${custom[2]}T00:00:00Z`).getTime() + 24 * 60 * MINUTE_MS;
    return { key: custom[0], since: `${custom[1]}T00:00:00Z`, until: moment(end), period: custom[0], by: 'day' };
  }
  const key = text && text in HOURS ? text : DEFAULT_RANGE;
  const hours = HOURS[key] ?? 168;
  const since = Math.floor(now / MINUTE_MS) * MINUTE_MS - hours * 60 * MINUTE_MS;
  const days = Math.max(1, Math.ceil(hours / 24));
  return { key, since: moment(since), until: undefined, period: `${days}d`, by: hours <= 24 ? 'hour' : 'day' };
}

/** The whole days in UTC that a period of the insights means, as the address has a range of days. */
export function daysOf(period: string, today = new Date()): string {
  if (period.includes('..')) return period;
  const first = new Date(today.getTime() - (Number.parseInt(period, 10) - 1) * 24 * 60 * MINUTE_MS);
  return `${first.toISOString().slice(0, 10)}..${today.toISOString().slice(0, 10)}`;
}

const moment = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** The range of this page, from its address. */
export function useRange(): Range {
  const [search] = useUrl();
  return useMemo(() => rangeOf(search.range), [search.range]);
}
