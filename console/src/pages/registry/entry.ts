import type { Entry } from '../../navigation';
import { registry } from '../../strings/registry';

export const entry: Entry = {
  path: '/registry',
  title: registry.title,
  area: 'build',
  order: 20,
  icon: 'prompt',
  permissions: ['registry:object:read'],
};
