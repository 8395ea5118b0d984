export const prompts = {
  title: 'Prompts',
  about: 'Templates that applications call by name: which text is live, what changed, and what another version would answer.',
  list: 'Prompts', columns: { name: 'Name', live: 'Live', labels: 'Labels', versions: 'Versions', owner: 'Owner', made: 'Made' }, find: 'Find by name',
  empty: 'No prompt yet', emptyHint: 'Write one here, or by the control API:', new: 'New prompt', back: 'All prompts',
  tabsLabel: 'Parts of the prompt', tabs: { text: 'Text', versions: 'Versions', try: 'Try', edit: 'Write a version' },
  version: 'Version', shown: (n: number) => `Version ${n}`, route: 'Route', parameters: 'Parameters', variables: 'Variables', partials: 'Partials', schema: 'Schema of the answer', tests: 'Tests', call: 'Call it',
  variable: { name: 'Name', type: 'Type', needed: 'Needed', fallback: 'Default', about: 'About', yes: 'yes', no: 'no' }, noVariables: 'It takes no variables.',
  compare: { with: 'Compare with version', changes: (a: number, b: number) => `What version ${b} changes since ${a}`, same: 'Nothing differs.', by: 'By', why: 'Why', when: 'When' },
  try: {
    key: 'API key', keyHint: 'Calls are made and paid as this key; it stays in this tab.', first: 'Version', second: 'Beside it', nobody: 'none', run: 'Run', json: 'JSON', badJson: (name: string) => `${name}: this is no JSON`,
    answer: (n: number) => `Answer of version ${n}`, differs: 'What differs', cost: 'Cost', time: 'Time', request: 'Request',
  },
  edit: {
    name: 'Name', message: (n: number) => `Message ${n}`, role: (n: number) => `Role of message ${n}`, add: 'Add a message', remove: (n: number) => `Remove message ${n}`, route: 'Route or deployment',
    rest: 'Everything else, as JSON', restHint: 'variables, partials, parameters, output_schema, tests', reason: 'What changed, and why', labels: 'Point labels to it', labelsHint: 'Separated by commas; production is what callers get', save: 'Save a version', owner: 'Owner', badJson: 'This is no JSON object.',
    parts: 'Its messages have parts (pictures): change it by the control API or a file.',
  },
};
