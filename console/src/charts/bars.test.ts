import { expect, test } from 'vitest';
import { barsOf } from './bars';

test('steps hang between the baseline and the cost, and nothing is left out but nothing', () => {
  const amounts = [['baseline', '0.03648'], ['cache', '-0.007641'], ['tier', '0'], ['overhead', '0.000001'], ['cost', '0.02884']] as const;
  const found = barsOf(amounts.map(([name, usd]) => ({ name, usd })));
  expect(found.map((bar) => bar.name)).toEqual(['baseline', 'cache', 'overhead', 'cost']);
  expect(found.map((bar) => bar.usd)).toEqual(['0.03648', '-0.007641', '0.000001', '0.02884']);
  expect(found.map((bar) => bar.whole)).toEqual([true, false, false, true]);
  expect(found[2]?.to).toBe(found[3]?.to);
});
