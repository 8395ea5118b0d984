export const signIn = {
  title: 'Sign in to Legato',
  email: 'E-mail',
  emailHint: 'Or organisation:e-mail, where an organisation made the account.',
  password: 'Password',
  submit: 'Sign in',
  by: (provider: string) => `Continue with ${provider}`,
  key: 'Key or token',
  keyHint: 'Kept in the memory of this tab only, and gone when you close it.',
  keyTab: 'By a key',
  accountTab: 'By an account',
  useKey: 'Use this key',
  neither: 'Accounts are not set up here: use a key with a role.',
  way: 'How to sign in',
};

export const invitation = {
  title: 'Welcome to Legato',
  hint: 'Choose the password with which you sign in from now on: at least 12 characters, 5 of them different. This link serves once.',
  password: 'Password',
  again: 'Password again',
  differ: 'These are two different ones.',
  submit: 'Begin',
  orJoin: 'I have an account here already',
  orChoose: 'I have none: choose a password',
  joinHint: 'Sign in with it. It then has what this invitation gives, too, if it is of the same e-mail address.',
  email: 'E-mail',
  join: 'Sign in and accept',
  take: (email: string) => `Accept as ${email}`,
  noToken: 'This address lacks the token of an invitation. Open the whole link that you were given.',
};

/** Why a provider's sign-in came to nothing, by what the server names. */
export const refusedBy: Record<string, string> = {
  email: 'The provider tells no e-mail address that can be yours here, or it belongs to another account. Ask an administrator.',
  role_mapping: 'The provider lets you in, but none of what it says of you is a role here. Ask an administrator.',
  state: 'This sign-in was begun in another browser, or too long ago. Begin again.',
  error: 'The provider let nobody in. Begin again.',
};
export const refusedAnyway = 'Signing in by the provider came to nothing. Begin again, or ask an administrator; the audit log says why.';
