import { expect, test } from 'vitest';
import { dollarsOf, exactly, nanoOf, roughly, sumOf } from './money';

test('no digit of an amount is lost', () => {
  expect(exactly('0.000000001', 'en-US')).toBe('$0.000000001');
  expect(exactly('9007199254740993.123456789', 'en-US')).toBe('$9,007,199,254,740,993.123456789');
  expect(exactly('12', 'en-US')).toBe('$12.00');
});

test('headlines say cents, and three digits of less than a dollar', () => {
  expect(roughly('1234.5678', 'en-US')).toBe('$1,234.57');
  expect(roughly('0.000123456', 'en-US')).toBe('$0.000123');
  expect(roughly('0.0281348', 'en-US')).toBe('$0.0281');
  expect(roughly('-0.5', 'en-US')).toBe('-$0.50');
  expect(roughly('0', 'en-US')).toBe('$0.00');
});

test('sums are exact and leave out what is not known', () => {
  expect(sumOf(['0.1', '0.2', null, undefined, '-0.000000001'])).toBe('0.299999999');
  expect(dollarsOf(nanoOf('-1.5'))).toBe('-1.5');
});

test('what is no amount is refused', () => {
  expect(() => nanoOf('1e3')).toThrow(RangeError);
  expect(() => nanoOf('0.0000000001')).toThrow(RangeError);
});
