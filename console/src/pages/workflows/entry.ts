import type { Entry } from '../../navigation';
import { workflows } from '../../strings/workflows';

export const entry: Entry = {
  path: '/workflows',
  also: ['/workflows/$name'],
  title: workflows.title,
  area: 'build',
  order: 40,
  icon: 'flow',
  permissions: ['registry:object:read'],
};
