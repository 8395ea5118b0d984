import { some } from './plural';

export const tokens = {
  none: 'No token.', make: 'New token', name: 'Name', expires: 'Expires (your time)', until: 'expires', over: 'expired', revoked: 'revoked', create: 'Create', revoke: 'Revoke', may: (n: number) => some(n, 'permission'),
  revokeTitle: (name: string) => `Revoke token ${name}`,
  revokeBlast: ['Whatever uses this token is refused at once.', 'It can not come back.'],
};
