export const waterfall = {
  title: 'Where the savings come from',
  label: (baseline: string, cost: string) => `${baseline} at the baseline, ${cost} in the ledger; the steps between close exactly.`,
  step: 'Step',
  amount: 'Amount',
  requests: 'Requests',
  requestsOf: (step: string) => `Requests behind ${step}`,
  steps: {
    baseline: 'Baseline',
    cache: 'Cache',
    shortening: 'Shortening',
    routing: 'Routing',
    prompt_cache: 'Prompt cache',
    tier: 'Batch and tier',
    overhead: 'Overhead',
    cost: 'Cost',
  } as Record<string, string>,
};
