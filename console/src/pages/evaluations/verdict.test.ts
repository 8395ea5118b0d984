import { expect, test } from 'vitest';
import { verdictOf } from './verdict';

test('a difference counts where its interval leaves none out', () => {
  expect(verdictOf({ low: -0.2, high: -0.01 })).toBe('worse');
  expect(verdictOf({ low: 0.01, high: 0.3 })).toBe('better');
  expect(verdictOf({ low: -0.1, high: 0.1 })).toBe('same');
  expect(verdictOf({ low: 0, high: 0.1 })).toBe('same');
});
