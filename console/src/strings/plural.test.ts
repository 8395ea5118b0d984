import { expect, test } from 'vitest';
import { alerts } from './alerts';
import { budgets } from './budgets';
import { keys } from './keys';
import { some } from './plural';

test('one is said as one', () => {
  expect(some(1, 'day')).toBe('1 day');
  expect(some(0, 'day')).toBe('0 days');
  expect(some(1, 'entry', 'entries')).toBe('1 entry');
  expect(alerts.objectives.days(1)).toBe('1 day');
  expect(keys.access.permissions(1)).toBe('1 permission');
  expect(budgets.tried(1, '3 %', '90 %')).toContain('on 1 day before');
});
