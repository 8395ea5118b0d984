import type { Entry } from '../../navigation';
import { models } from '../../strings/models';

export const entry: Entry = {
  path: '/models',
  title: models.title,
  area: 'build',
  order: 10,
  icon: 'model',
  permissions: ['control:gateway:read'],
};
