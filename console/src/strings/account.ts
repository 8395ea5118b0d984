export const account = {
  title: 'Your account',
  about: 'What you may do here, how you sign in, and where you are signed in',
  who: {
    title: 'What you may do', name: 'Name', email: 'E-mail', org: 'Organisation', by: 'Signs in by', password: 'a password', key: 'a key, in this tab only', ends: 'Signed in until',
    roles: 'Roles', noRoles: 'No role: somebody who administers roles gives you one.', everywhere: 'every organisation', permissions: (n: number) => (n === 1 ? '1 permission' : `${n} permissions`),
    keyHint: 'You came by a key. Sessions, a password and tokens belong to accounts: sign in by one to see them.',
  },
  sessions: { title: 'Where you are signed in', from: 'From', agent: 'With', began: 'Began', used: 'Last used', ends: 'Ends', here: 'this one', end: 'End', endOne: (where: string) => `End the session from ${where}`, one: 'Session' },
  password: {
    title: 'Change your password', current: 'Present password', next: 'New password', again: 'New password again', change: 'Change it', differ: 'These are two different ones.',
    hint: 'At least 12 characters, 5 of them different. All your other sessions end.', done: 'Changed. All your other sessions have ended.',
  },
  tokens: { title: 'Your tokens', hint: 'A token does by a program what you may do yourself, until it expires. Without a choice it may all that you may.', permissions: 'Only these permissions' },
};
