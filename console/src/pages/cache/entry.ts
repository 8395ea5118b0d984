import type { Entry } from '../../navigation';
import { cache } from '../../strings/cache';

export const entry: Entry = {
  path: '/cache',
  title: cache.title,
  area: 'build',
  order: 40,
  icon: 'cache',
  permissions: ['control:cache:read'],
};
