import type { Entry } from '../../navigation';
import { audit } from '../../strings/audit';

export const entry: Entry = {
  path: '/audit',
  title: audit.title,
  area: 'prove',
  order: 10,
  icon: 'audit',
  permissions: ['audit:event:read'],
};
