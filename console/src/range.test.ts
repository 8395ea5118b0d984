import { expect, test } from 'vitest';
import { daysOf, rangeOf } from './range';

const NOW = Date.parse('2026-11-22T10:20:30Z');

test('a range begins at a whole minute, so that a page asks the same again', () => {
  expect(rangeOf('1h', NOW)).toEqual({ key: '1h', since: '2026-11-22T09:20:00Z', until: undefined, period: '1d', by: 'hour' });
  expect(rangeOf('30d', NOW)).toMatchObject({ since: '2026-10-23T10:20:00Z', period: '30d', by: 'day' });
});

test('days are whole, the last one included', () => {
  expect(rangeOf('2026-11-01..2026-11-15', NOW)).toEqual({
    key: '2026-11-01..2026-11-15', since: '2026-11-01T00:00:00Z', until: '2026-11-16T00:00:00Z',
    period: '2026-11-01..2026-11-15', by: 'day',
  });
});

test.each(['', 'forever', '2026-11-15..2026-11-01', undefined])('%s is the default', (text) => {
  expect(rangeOf(text, NOW).key).toBe('7d');
});

test('a period of the insights is its whole days', () => {
  expect(daysOf('3d', new Date('2026-11-22T10:00:00Z'))).toBe('2026-11-20..2026-11-22');
  expect(daysOf('2026-10-01..2026-10-31')).toBe('2026-10-01..2026-10-31');
});
