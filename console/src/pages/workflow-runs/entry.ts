import type { Entry } from '../../navigation';
import { runs } from '../../strings/workflow-runs';

export const entry: Entry = {
  path: '/workflow-runs',
  also: ['/workflow-runs/$id'],
  title: runs.title,
  area: 'build',
  order: 41,
  icon: 'play',
  permissions: ['workflow:run:read'],
};
