import { expect, test } from 'vitest';
import { fateOf, spansOf } from './shape';

const row = { guard: null, cache: 'miss', attempts: 1, http_status: 200, error_code: '' };

test.each([
  [row, 'answered'],
  [{ ...row, http_status: 502, error_code: 'upstream_error' }, 'failed'],
  [{ ...row, attempts: 0, cache: 'hit' }, 'hit'],
  [{ ...row, attempts: 0, http_status: 400, error_code: 'input_blocked', guard: 'block' }, 'blocked'],
  [{ ...row, attempts: 0, http_status: 429, error_code: 'budget_exceeded' }, 'refused'],
] as const)('%o is %s', (request, fate) => {
  expect(fateOf(request)).toBe(fate);
});

test('each stage begins where the one before it ended', () => {
  expect(spansOf([{ name: 'read', us: 5 }, { name: 'call', us: 90 }, { name: 'send', us: 3 }])).toEqual([
    { name: 'read', startUs: 0, us: 5 },
    { name: 'call', startUs: 5, us: 90 },
    { name: 'send', startUs: 95, us: 3 },
  ]);
});
