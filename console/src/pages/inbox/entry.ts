import type { Entry } from '../../navigation';
import { inbox } from '../../strings/inbox';

export const entry: Entry = {
  path: '/inbox',
  also: ['/inbox/$id'],
  title: inbox.title,
  area: 'build',
  order: 42,
  icon: 'check',
  permissions: ['workflow:task:read'],
};
