import type { Entry } from '../../navigation';
import { routing } from '../../strings/routing';

export const entry: Entry = {
  path: '/routing',
  title: routing.title,
  area: 'build',
  order: 12,
  icon: 'route',
  permissions: ['control:gateway:read'],
};
