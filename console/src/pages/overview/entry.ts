import type { Entry } from '../../navigation';
import { overview } from '../../strings/overview';

export const entry: Entry = {
  path: '/',
  title: overview.title,
  area: 'observe',
  order: 0,
  icon: 'chart',
  permissions: ['control:ledger:read'],
};
