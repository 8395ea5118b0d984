import { expect, test } from 'vitest';
import { lastMonth } from './figures';

test('the month before January is in the year before', () => {
  expect(lastMonth(new Date('2026-01-15T00:00:00Z'))).toBe('2025-12');
});
