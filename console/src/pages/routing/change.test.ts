import { expect, test } from 'vitest';
import { changeIn } from './change';

test('deployments keep their order, and one never asked is as fast as the most asked', () => {
  expect(changeIn('', 'small, large ,', ['large', 'other'])).toEqual({ deployments: ['small', 'large'], like: { small: 'large' } });
});

test('without any that was asked nothing is said of latency, and a strategy is passed on', () => {
  expect(changeIn('cheapest', 'small', [])).toEqual({ deployments: ['small'], like: {}, strategy: 'cheapest' });
});
