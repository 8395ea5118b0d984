import type { Entry } from '../../navigation';
import { requests } from '../../strings/requests';

export const entry: Entry = {
  path: '/requests',
  title: requests.title,
  area: 'observe',
  order: 10,
  icon: 'list',
  permissions: ['control:ledger:read'],
};
