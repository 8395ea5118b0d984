import type { Entry } from '../../navigation';
import { guardrails } from '../../strings/guardrails';

export const entry: Entry = {
  path: '/guardrails',
  title: guardrails.title,
  area: 'control',
  order: 30,
  icon: 'guard',
  permissions: ['control:ledger:read', 'guardrails:sample:read'],
};
