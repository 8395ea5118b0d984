// What is known of deployments: what a request costs there, and how good its answers are by what callers said.

import type { components } from '../../api/schema';
import { percent } from '../../format';
import { dollarsOf, nanoOf } from '../../money';
import { routing as words } from '../../strings/routing';

type Schemas = components['schemas'];
export type Measure = 'thumbs' | 'accepted' | 'score';

export interface Quality {
  value: number;
  /** Of how many answers something was said. */
  n: number;
  /** The 95 % interval of a share, by Wilson; a mean score has none here. */
  low: number | null;
  high: number | null;
}

export interface Known {
  deployment: string;
  requests: number;
  /** Dollars as text; null where nothing was asked. */
  perRequest: string | null;
  quality: Quality | null;
}

const Z = 1.959964;

/** The 95 % interval of a share by Wilson's score (1927). */
export function wilson(good: number, n: number): [low: number, high: number] {
  const [p, z2] = [good / n, Z * Z];
  const middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const half = (Z / (1 + z2 / n)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n * n));
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

type Said = Pick<Schemas['Summary'], 'thumbs_up' | 'thumbs_down' | 'accepted' | 'rework' | 'rejected' | 'scores' | 'score_mean'>;

export function qualityOf(said: Said, measure: Measure): Quality | null {
  if (measure === 'score') return said.score_mean === null ? null : { value: said.score_mean, n: said.scores, low: null, high: null };
  const [good, n] = measure === 'thumbs' ? [said.thumbs_up, said.thumbs_up + said.thumbs_down] : [said.accepted, said.accepted + said.rework + said.rejected];
  if (n === 0) return null;
  const [low, high] = wilson(good, n);
  return { value: good / n, n, low, high };
}

/** A share with its interval, or a mean. */
export const sayQuality = ({ value, low, high }: Quality) => (low === null || high === null ? value.toFixed(2) : words.interval(percent(value), percent(low), percent(high)));

/** What a request cost, to the nano-dollar; null where none was asked. */
export function perRequest(cost: string, requests: number): string | null {
  return requests > 0 ? dollarsOf(nanoOf(cost) / BigInt(requests)) : null;
}

/** Those that no other beats: none is both as cheap and as good, and better in one of the two. Cheapest first. */
export function frontierOf(all: Known[]): Known[] {
  const known = all.filter((one) => one.perRequest !== null && one.quality !== null);
  const cost = (one: Known) => nanoOf(one.perRequest ?? '0');
  const good = (one: Known) => one.quality?.value ?? 0;
  const beats = (a: Known, b: Known) => cost(a) <= cost(b) && good(a) >= good(b) && (cost(a) < cost(b) || good(a) > good(b));
  return known.filter((one) => !known.some((other) => beats(other, one))).sort((a, b) => (cost(a) < cost(b) ? -1 : 1));
}
