export const danger = {
  armed: 'The name matches: the action can be taken now.',
  type: (name: string) => `Type ${name} to confirm`,
};
