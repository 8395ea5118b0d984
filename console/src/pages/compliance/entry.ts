import type { Entry } from '../../navigation';
import { compliance } from '../../strings/compliance';

export const entry: Entry = {
  path: '/compliance',
  title: compliance.title,
  area: 'prove',
  order: 20,
  icon: 'check',
  permissions: ['compliance:control:read'],
};
