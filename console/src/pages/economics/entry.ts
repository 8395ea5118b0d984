import type { Entry } from '../../navigation';
import { economics } from '../../strings/economics';

export const entry: Entry = {
  path: '/economics',
  title: economics.title,
  area: 'prove',
  order: 0,
  icon: 'budget',
  permissions: ['control:ledger:read', 'finance:book:read', 'finance:report:read'],
};
