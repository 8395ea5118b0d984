import type { Entry } from '../../navigation';
import { budgets } from '../../strings/budgets';

export const entry: Entry = {
  path: '/budgets',
  title: budgets.title,
  area: 'control',
  order: 20,
  icon: 'budget',
  permissions: ['control:budget:read'],
};
