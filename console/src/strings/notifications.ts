const CONFIG = 'notifications:\n  channels:\n    - name: incidents\n      webhook: {url: "https://hooks.example.com/legato", secret: {env: HOOK_SECRET}}\n  routes:\n    - {channels: [incidents], severity: warning}';

export const notifications = {
  title: 'Notifications',
  about: 'What people were told, by which channel, and whether it arrived. Channels and routes stand in legato.yaml.',
  tabsLabel: 'Parts of notifications', tabs: { told: 'What was told', channels: 'Channels', digest: 'Weekly digest' },
  columns: { at: 'When', severity: 'Severity', kind: 'Kind', title: 'Title', place: 'Of', deliveries: 'Deliveries' },
  filters: { label: 'Which', kind: 'Kind', delivery: 'With a delivery that is' },
  deliveries: { '': 'in any state', waiting: 'waiting', sent: 'sent', dead: 'given up' } as Record<string, string>,
  empty: 'Nothing was told', emptyHint: 'Budgets, incidents, anomalies, rollouts and tasks tell of themselves. Say in legato.yaml to whom:', call: CONFIG,
  instance: 'the instance', nobody: 'to nobody: no route names it', text: 'Text', facts: 'Facts', one: 'Notification',
  delivery: { channel: 'Channel', state: 'State', attempts: 'Attempts', next: 'Again', sent: 'Sent', told: 'What went wrong' },
  retry: 'Send again', retried: 'It will be sent again within seconds.',
  noChannels: 'No channel yet', channelsHint: 'A channel is a webhook, e-mail, a folder, an object store, or one of the services that apprise knows:',
  test: 'Send a test', testOne: (name: string) => `Send a test by ${name}`, tested: (name: string) => `A test by ${name} is on its way: see what was told.`,
  digest: { team: 'Team', org: 'Organisation', show: 'Show its last week', text: 'The week in words', by: 'Goes by', none: 'no channel: a route with digest.weekly says which', choose: 'What a team is told each week: what it spent and saved, and what stood out.' },
};
