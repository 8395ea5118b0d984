import type { Entry } from '../../navigation';
import { account } from '../../strings/account';

export const entry: Entry = {
  path: '/account',
  title: account.title,
  area: 'set-up',
  order: 90,
  icon: 'key',
  permissions: [],
  acts: true,
};
