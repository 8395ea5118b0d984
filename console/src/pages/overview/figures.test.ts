import { expect, test } from 'vitest';
import type { InsightRow } from '../../api/insights';
import { everyDay, mixOf, waterfallOf } from './figures';

const row = (group: Record<string, string>, usd: string | null, numerator = 0): InsightRow => ({
  group, usd, numerator, denominator: 1, value: numerator, needs: '',
});

const ROWS = [
  row({ day: '2026-11-21', step: 'baseline' }, '0.300000001'),
  row({ day: '2026-11-21', step: 'cache' }, '-0.100000000'),
  row({ day: '2026-11-21', step: 'tier' }, '0.000000000'),
  row({ day: '2026-11-21', step: 'cost' }, '0.200000001'),
  row({ day: '2026-11-22', step: 'baseline' }, '1'),
  row({ day: '2026-11-22', step: 'routing' }, '-0.5'),
  row({ day: '2026-11-22', step: 'cost' }, '0.5'),
];

test('the steps of all days come to what was saved, to the nano-dollar', () => {
  const waterfall = waterfallOf(ROWS);
  expect(waterfall).toMatchObject({ baseline: '1.300000001', cost: '0.700000001', saved: '0.6' });
  expect(waterfall.amounts).toEqual([
    { name: 'baseline', usd: '1.300000001' }, { name: 'cache', usd: '-0.1' }, { name: 'routing', usd: '-0.5' }, { name: 'cost', usd: '0.700000001' },
  ]);
});

test('days without a call are shown as such', () => {
  const days = everyDay(waterfallOf(ROWS), '3d', new Date('2026-11-22T10:00:00Z'));
  expect(days.map(({ day, cost }) => [day, cost])).toEqual([
    ['2026-11-20', '0'], ['2026-11-21', '0.200000001'], ['2026-11-22', '0.5'],
  ]);
});

test('the mix counts what failed and leaves unknown what nobody measured', () => {
  const requests = [row({ deployment: 'a', outcome: 'ok' }, null, 3), row({ deployment: 'b', outcome: 'error' }, null, 9)];
  expect(mixOf(requests, [row({ deployment: 'b' }, '0.2')], [])).toEqual([
    { deployment: 'b', requests: 9, failed: 9, cost: '0.2', p95Ms: null },
    { deployment: 'a', requests: 3, failed: 0, cost: null, p95Ms: null },
  ]);
});
