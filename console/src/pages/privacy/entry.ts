import type { Entry } from '../../navigation';
import { privacy } from '../../strings/privacy';

export const entry: Entry = {
  path: '/retention',
  title: privacy.title,
  area: 'control',
  order: 40,
  icon: 'book',
  permissions: ['privacy:retention:read', 'privacy:residency:read'],
};
