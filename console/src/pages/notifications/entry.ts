import type { Entry } from '../../navigation';
import { notifications } from '../../strings/notifications';

export const entry: Entry = {
  path: '/notifications',
  title: notifications.title,
  area: 'set-up',
  order: 10,
  icon: 'prompt',
  permissions: ['control:notification:read', 'control:notification:test'],
};
