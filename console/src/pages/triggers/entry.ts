import type { Entry } from '../../navigation';
import { triggers } from '../../strings/triggers';

export const entry: Entry = {
  path: '/triggers',
  title: triggers.title,
  area: 'build',
  order: 42,
  icon: 'refresh',
  permissions: ['workflow:run:read'],
};
