import type { Entry } from '../../navigation';
import { start } from '../../strings/start';

export const entry: Entry = {
  path: '/start',
  title: start.title,
  area: 'set-up',
  order: 0,
  icon: 'play',
  permissions: [],
  acts: true,
};
