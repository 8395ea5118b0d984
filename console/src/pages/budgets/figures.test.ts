import { expect, test } from 'vitest';
import { type Outlook, amountSaid, burnDown, stepsIn } from './figures';

const outlook = (part: Partial<Outlook>): Outlook => ({
  of: {}, limit: '10', spent: '3', expected: '9', low: '7', high: '11', level: 0.8, runs_out: null, days: 20, trials: 0, off_by: null, held: null, burnt: [], ...part,
});

test('days are summed exactly, and lead to what is expected at the end', () => {
  const drawn = burnDown(outlook({ burnt: ['0.1', '0.2'] }), '2026-11-02T00:00:00Z', '2026-11-06T00:00:00Z');
  expect(drawn.days).toEqual(['2026-11-02', '2026-11-03', '2026-11-04', '2026-11-05']);
  expect(drawn.spent).toEqual(['0.1', '0.3', null, null]);
  expect(drawn.expected.map((one) => one?.toFixed(2))).toEqual([undefined, '0.30', '4.65', '9.00']);
  expect(drawn.low.at(-1)).toBe(7);
});

test('on the last day what is expected stands at that day', () => {
  const drawn = burnDown(outlook({ burnt: [5, 6], expected: 14, low: null, high: null }), '2026-11-02T00:00:00Z', '2026-11-04T00:00:00Z');
  expect(drawn.spent).toEqual([5, 11]);
  expect(drawn.expected).toEqual([null, 14]);
  expect(drawn.high).toEqual([null, null]);
});

test('amounts are read as what they are', () => {
  expect(amountSaid('0.000000001')).toBe('$0.000000001');
  expect(amountSaid(1200)).toBe('1,200');
  expect(stepsIn('50, 80,')).toEqual([{ at_percent: 50, do: 'warn', to: '' }, { at_percent: 80, do: 'warn', to: '' }]);
});
