import { expect, test, vi } from 'vitest';
import { gathered } from './gathered';

test('the first is handed on at once, what follows together, nothing twice', () => {
  vi.useFakeTimers();
  const told: string[][] = [];
  const tell = gathered<string>(1_000, (all) => told.push(all));
  tell(['spend']);
  tell(['requests']);
  tell(['requests', 'audit']);
  expect(told).toEqual([['spend']]);
  vi.advanceTimersByTime(1_000);
  expect(told).toEqual([['spend'], ['requests', 'audit']]);
  vi.advanceTimersByTime(5_000);
  tell(['spend']);
  expect(told).toHaveLength(3);
  vi.useRealTimers();
});
