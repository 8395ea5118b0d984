import { expect, test } from 'vitest';
import { type Known, frontierOf, perRequest, qualityOf, wilson } from './quality';

const NOTHING = { thumbs_up: 0, thumbs_down: 0, accepted: 0, rework: 0, rejected: 0, scores: 0, score_mean: null };
const one = (deployment: string, cost: string | null, value: number | null): Known => ({ deployment, requests: 1, perRequest: cost, quality: value === null ? null : { value, n: 9, low: null, high: null } });

test('what another beats in both is off the frontier, and what nothing is known of', () => {
  const all = [one('dear', '0.03', 0.9), one('cheap', '0.01', 0.6), one('worse', '0.02', 0.5), one('mid', '0.02', 0.8), one('unknown', '0.001', null), one('unasked', null, 0.99)];
  expect(frontierOf(all).map((each) => each.deployment)).toEqual(['cheap', 'mid', 'dear']);
});

test('of two that are the same both stay', () => {
  expect(frontierOf([one('a', '0.01', 0.6), one('b', '0.01', 0.6)])).toHaveLength(2);
});

test('a share comes with its interval, and nothing said is no share', () => {
  expect(qualityOf(NOTHING, 'thumbs')).toBeNull();
  const found = qualityOf({ ...NOTHING, thumbs_up: 8, thumbs_down: 2 }, 'thumbs');
  expect(found).toMatchObject({ value: 0.8, n: 10 });
  const [low, high] = wilson(8, 10); // 0.490 to 0.943, as in Newcombe (1998)
  expect([low.toFixed(3), high.toFixed(3)]).toEqual(['0.490', '0.943']);
  expect(qualityOf({ ...NOTHING, scores: 3, score_mean: 0.7 }, 'score')).toMatchObject({ value: 0.7, n: 3, low: null });
});

test('a request costs its part of the sum', () => {
  expect(perRequest('0.003690000', 6)).toBe('0.000615');
  expect(perRequest('1', 0)).toBeNull();
});
