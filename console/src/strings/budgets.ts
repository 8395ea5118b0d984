import { some } from './plural';

export const budgets = {
  title: 'Budgets',
  about: 'What may be spent, by whom, until when; and where each will stand.',
  new: 'New budget',
  columns: { name: 'Name', whose: 'Whose', limit: 'Limit', window: 'Window', hard: 'At the limit', source: 'From', changed: 'Changed' },
  hard: 'refuses', soft: 'goes on', every: 'the whole instance', each: (names: string) => `each ${names}`, config: 'config',
  empty: 'No budget yet',
  emptyHint: 'Without one nothing is refused for its cost. Make one here, or by the control API:',
  units: { usd: 'dollars', tokens: 'tokens', requests: 'requests', concurrency: 'at once' } as Record<string, string>,
  standing: 'How it stands', now: 'Spent', aside: 'Set aside', left: 'Left', began: 'Began', resets: 'Resets', noCounters: 'Nothing was counted in this window yet.',
  of: 'Counter', all: 'all of it',
  outlook: 'Burn-down', unforecast: 'No forecast: those are of dollars or tokens, by day, week or month.',
  expected: 'Expected at the end', between: 'Between', runsOut: 'Runs out', never: 'not in this window', tried: (trials: number, off: string, held: string) => `Tried on ${some(trials, 'day')} before: off by ${off} (median), inside the interval ${held}.`, untried: 'Too few days yet to say how far off it may be.',
  chart: { spent: 'Spent', expected: 'Expected', low: 'Low', high: 'High', limit: 'Limit', day: 'Day' },
  label: (spent: string, limit: string, expected: string) => `${spent} of ${limit} is spent; ${expected} is expected at the end of the window.`,
  events: 'What came of it', noEvents: 'No step was reached yet.', eventOf: { warn: 'warned', degrade: 'went to a cheaper model', queue: 'queued', blocked: 'refused' } as Record<string, string>,
  edit: 'Edit', remove: 'Delete', save: 'Save', create: 'Create the budget', configured: 'This budget stands in the configuration file: change it there.',
  form: {
    name: 'Name', org: 'Organisation', orgHint: '* is the whole instance', team: 'Team', feature: 'Feature', key: 'Key', measure: 'Counts', limit: 'Limit', window: 'Window', each: 'A counter for each', eachHint: 'Empty: one counter for all', hard: 'Refuse calls at the limit', warn: 'Warn at percent', warnHint: 'Separated by commas, as 50, 80',
  },
  removeTitle: (name: string) => `Delete ${name}`,
  blast: { stops: (limit: string, whose: string) => `Nothing holds ${whose} to ${limit} any more.`, spent: (spent: string) => `In this window ${spent} is counted; that count goes.`, kept: 'What the ledger charged stays as it is.' },
};
