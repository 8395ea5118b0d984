import type { Entry } from '../../navigation';
import { evaluations } from '../../strings/evaluations';

export const entry: Entry = {
  path: '/evaluations',
  title: evaluations.title,
  area: 'build',
  order: 30,
  icon: 'check',
  permissions: ['evaluation:run:read', 'reviews:item:read'],
};
