import type { Entry } from '../../navigation';
import { p } from '../../strings/p';

export const entry: Entry = {
  path: '/p',
  also: ['/p/$name'],
  title: p.title,
  area: 'build',
  order: 48,
  icon: 'table',
  permissions: ['workflow:page:use'],
};
