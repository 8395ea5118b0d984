export const canvas = {
  label: 'Graph of the workflow',
  kinds: {
    prompt: 'Prompt', classify: 'Classify', aggregate: 'Aggregate', agent: 'Agent', call: 'Tool', set: 'Set', validate: 'Validate', switch: 'Switch', raise: 'Raise',
    twin: 'Twin', for: 'For each', repeat: 'Repeat', workflow: 'Workflow', human: 'Person', listen: 'Listen', wait: 'Wait', notify: 'Notify',
  } as Record<string, string>,
  areas: { models: 'Models', data: 'Data and rules', loops: 'Loops and parts', people: 'People, time, events' } as Record<string, string>,
  changes: { added: 'Added', removed: 'Removed', changed: 'Changed', moved: 'Moved' } as Record<string, string>,
  node: (name: string, kind: string, told: string) => `${name}, ${kind}${told ? `, ${told}` : ''}`,
  edge: (from: string, port: string, to: string) => `From ${from} at ${port} to ${to}`,
  problems: (count: number) => (count === 1 ? '1 problem' : `${count} problems`),
  about: 'about',
};
