/** The palette: kinds by area, in the order people look for them. */
export const AREAS: [string, string[]][] = [
  ['models', ['prompt', 'classify', 'agent', 'aggregate']],
  ['data', ['set', 'switch', 'validate', 'call', 'twin', 'raise']],
  ['loops', ['for', 'repeat', 'workflow']],
  ['people', ['human', 'listen', 'wait', 'notify']],
];

/** What a node of a kind begins with: as little as lets it be drawn, the rest is said by the check. */
export function newNode(kind: string, id: string, model: string): Record<string, unknown> & { id: string; kind: string } {
  const fields: Record<string, Record<string, unknown>> = {
    prompt: { model, user: '${input}', max_tokens: 300 },
    classify: { model, text: '${input}', choices: [{ port: 'yes', description: '' }, { port: 'no', description: '' }] },
    agent: { model, task: '${input}', turns_max: 6, cost_usd_max: '0.10' },
    aggregate: { how: 'list' },
    set: { value: '${input}' },
    switch: { cases: [{ port: 'yes', when: 'true' }] },
    validate: { value: '${input}' },
    call: { tool: '' },
    twin: { twin: '', key: '', update: '${state}' },
    raise: { code: 'refused', message: '' },
    for: { each: 'input.items', do: { nodes: [{ id: `${id}_item`, kind: 'set', value: '${item}' }] } },
    repeat: { until: 'index >= 2', do: { nodes: [{ id: `${id}_body`, kind: 'set', value: '${index}' }] } },
    workflow: { workflow: '' },
    human: { ask: 'approve', subject: '' },
    listen: { event: '' },
    wait: { for_s: 60 },
    notify: { subject: '', text: '' },
  };
  return { id, kind, ...(fields[kind] ?? {}) };
}
