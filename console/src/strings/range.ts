export const range = {
  label: 'Range of time',
  custom: 'Days …',
  from: 'From (UTC)',
  to: 'To, inclusive',
  names: { '1d': 'Today' } as Record<string, string>,
  choose: 'Show these days',
};
