export const schemaForm = {
  add: (what: string) => `Add ${what}`,
  remove: (what: string, number: number) => `Remove ${what} ${number}`,
  notJson: 'This is no JSON yet; what was there before is kept.',
  unset: 'Not set',
  set: 'Set',
  clear: 'Take out',
  perLine: 'One per line.',
  suggestions: 'Names in reach',
  comesTo: 'Comes to',
};
