export const secret = {
  title: (name: string) => `The secret of ${name}`,
  once: 'Shown only now',
  hint: 'Only a keyed hash of it is kept. Whoever loses it rotates the key.',
  done: 'I have kept it',
};
