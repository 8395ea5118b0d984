import { some } from './plural';

export const alerts = {
  title: 'Alerts and incidents',
  about: 'What somebody has to deal with, the objectives that say so, and spend that is not as it was.',
  tabsLabel: 'Parts of alerts', tabs: { incidents: 'Incidents', objectives: 'Objectives', anomalies: 'Anomalies' },
  incidents: {
    state: 'State', states: { open: 'open', acknowledged: 'acknowledged', resolved: 'resolved' } as Record<string, string>, all: 'all', severity: 'Severity', title: 'What', source: 'Opened by', where: 'Where', opened: 'Opened', took: 'Took', new: 'Open an incident',
    empty: 'No incident', emptyHint: 'One is opened by an objective that burns, an anomaly, a breaker that stays open, or by hand:', began: 'Began', detected: 'Detected after', acknowledged: 'Acknowledged', resolved: 'Resolved', cause: 'Cause', runbook: 'Runbook', note: 'Note', by: (who: string, after: string) => `by ${who}, after ${after}`,
    acknowledge: 'Acknowledge', resolve: 'Resolve', openIt: 'Open it', unknown: 'not said', causes: { '': 'not known yet', integration: 'integration: a provider, a network, a credential', model: 'model: what it answers, or how fast', data: 'data: what was asked, retrieved, imported' } as Record<string, string>,
    team: 'Team', feature: 'Feature', instance: 'the instance', noRunbook: 'none given', severities: ['info', 'warning', 'critical'], id: 'Id',
  },
  objectives: {
    name: 'Name', measured: 'Measured', target: 'Goes well', limit: 'Good is', where: 'Of', period: 'Over', days: (n: number) => some(n, 'day'), new: 'New objective', all: 'every request', empty: 'No objective yet', emptyHint: 'Say what share of requests is to go well; what is left of the rest is the error budget. Make one here, or:',
    under: (what: string) => `under ${what}`, noError: 'no error', left: 'Error budget left', events: 'Requests', bad: 'Bad', rates: 'Burn rates', rateOf: (window: string) => `over ${window}`, rateHint: '1 uses the budget up exactly within the period', alerts: 'Alerts', noAlerts: 'It has not burnt too fast in this period.', burning: 'burning', over: 'over',
    remove: 'Remove', removeTitle: (name: string) => `Remove ${name}`, blast: ['No alert and no incident is opened by it any more.', 'An open alert of it is closed.', 'What was counted for it goes.'], create: 'Set the objective', runbook: 'Runbook', chart: 'Requests by day', chartLabel: (bad: string, events: string) => `${bad} of ${events} requests were bad in this period.`, good: 'Good', day: 'Day',
    form: { name: 'Name', measured: 'Measured', target: 'Percent that goes well', under_ms: 'Good is under (ms)', under_usd: 'Good is under (dollars)', route: 'Route', team: 'Team', feature: 'Feature', days: 'Period in days', runbook: 'Address of the runbook' }, by: 'Set by', kinds: { errors: 'errors', latency: 'latency', cost: 'cost' },
  },
  anomalies: {
    feature: 'Feature', when: 'When', cost: 'Spent', expected: 'Usual', stake: 'At stake', z: 'z', state: 'State', open: 'open', dealt: (who: string) => `acknowledged by ${who}`, empty: 'No anomaly', emptyHint: 'Each hour, what every feature spent is held against what is usual for that hour of the week; in the first two weeks nothing is said. See them in a shell by:',
    call: 'legato anomalies list --open', parts: 'What changed', partOf: { volume: 'more or fewer requests', cache: 'answered by the cache or not', retries: 'attempts for each request', mix: 'which models answer', tokens: 'tokens of each attempt', price: 'what a token costs' } as Record<string, string>, part: 'Part', amount: 'Dollars', change: 'the whole change',
    label: (at: string, cost: string) => `Against ${at}, when ${cost} was spent; the parts come to the change exactly.`, model: 'The model that changed most', acknowledge: 'Acknowledge', until: 'until',
  },
};
