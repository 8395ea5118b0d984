import type { Entry } from '../../navigation';
import { playground } from '../../strings/playground';

export const entry: Entry = {
  path: '/playground',
  title: playground.title,
  area: 'build',
  order: 0,
  icon: 'play',
  permissions: [],
  acts: true,
};
