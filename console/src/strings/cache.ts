export const cache = {
  title: 'Cache', about: 'Answers that are kept and given again: how often, how often wrongly, and what they save.',
  rate: 'Cache hit rate', wrong: 'Wrong hits', last30: 'last 30 days', of: (n: string, of: string) => `${n} of ${of}`, untold: 'not yet known', ofChecked: (wrong: string, checked: string, hits: string) => `${wrong} of ${checked} hits by meaning that samples checked, or people called wrong; ${hits} in all`, noneChecked: 'No hit by meaning was checked yet.', entries: 'Kept by meaning (semantic cache)',
  filters: 'Which entries', route: 'Route', tag: 'Tag', columns: { question: 'Question', team: 'Team', route: 'Route', deployment: 'Answered by', hits: 'Hits', saved: 'Saved', wrong: 'Called wrong', expires: 'Expires', created: 'Kept' },
  empty: 'Nothing is kept by meaning', emptyHint: 'Turn the semantic cache of a route on in legato.yaml, and call it:', call: 'cache: {semantic: {}}\nroutes:\n  - {alias: faq, deployments: [mini], cache: {semantic: {bound: 0.01}}}',
  whatIf: {
    title: 'What if the bound were another', about: 'Replays captured requests of a route as the cache would have met them: nobody is called. The bound is the share of answers that may be wrong.',
    bound: 'Wrong answers at most (%)', since: 'Captured within', spans: { '24h': 'a day', '7d': 'a week', '30d': '30 days' }, run: 'Try',
    of: (requests: string, exact: string, embedder: string) => `${requests} requests looked up by ${embedder}, ${exact} the exact cache’s.`, leftOut: (why: string) => `Left out: ${why}.`,
    columns: ['Answers in other words', 'Hits', 'In the same words', 'Checked', 'Saved', 'Of a cost of'], wrong: 'taken for wrong', right: 'taken for right', lies: 'Whether a hit would have been right is known only where the answers have the same words: what a judge would find lies between the two.',
  },
  purge: 'Purge', purgeAll: 'all', purgeTitle: 'Purge the cache', purgeBlast: (what: string) => [`Every kept answer ${what} is forgotten at once; the next such call goes to a model and is paid.`, 'What is forgotten can not be brought back.'], purgeOf: { all: 'of the organisation', route: (name: string) => `of route ${name}`, entry: 'of this entry' }, purged: (n: string) => `${n} forgotten.`,
  mark: 'Mark a hit as wrong', markAbout: 'The entry that answered is forgotten, and counts as wrong for the threshold.', request: 'Id of the request that had the wrong answer', marked: 'It was marked.', which: 'What', all: 'everything', ofRoute: 'a route', routeName: 'Name of the route', entryName: 'this entry',
};
