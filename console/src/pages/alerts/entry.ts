import type { Entry } from '../../navigation';
import { alerts } from '../../strings/alerts';

export const entry: Entry = {
  path: '/alerts',
  title: alerts.title,
  area: 'observe',
  order: 30,
  icon: 'alert',
  permissions: ['control:incident:read', 'control:objective:read', 'control:anomaly:read'],
};
