import type { Entry } from '../../navigation';
import { keys } from '../../strings/keys';

export const entry: Entry = {
  path: '/keys',
  title: keys.title,
  area: 'control',
  order: 10,
  icon: 'key',
  permissions: ['control:key:read', 'control:organisation:read', 'control:account:read', 'control:role:read'],
};
