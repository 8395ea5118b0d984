import type { Entry } from '../../navigation';
import { published } from '../../strings/published';

export const entry: Entry = {
  path: '/pages',
  title: published.title,
  area: 'build',
  order: 44,
  icon: 'flow',
  permissions: ['workflow:page:read'],
};
