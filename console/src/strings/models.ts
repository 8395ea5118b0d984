export const models = {
  title: 'Models and routes', about: 'What answers: deployments with their breakers and load, the routes that choose among them, and the providers behind.',
  tabsLabel: 'Parts of models', tabs: { deployments: 'Deployments', routes: 'Routes', providers: 'Providers' },
  name: 'Name', provider: 'Provider', model: 'Model', region: 'Region', breaker: 'Breaker', priced: 'Price', known: 'known', unknown: 'no price known', version: 'Version', file: 'legato.yaml', outstanding: 'Under way', left: 'Left this minute', requestsLeft: (n: string) => `${n} requests`, tokensLeft: (n: string) => `${n} tokens`,
  withheld: (names: string) => `Left out, since it can not be used: ${names}.`, alias: 'Alias', strategy: 'Strategy', deployments: 'Deployments', baseline: 'Baseline', healthy: 'Health', ok: 'healthy', ill: 'nothing healthy', unfit: 'Unfit', kind: 'Kind', base: 'Address', credential: 'Credential', preset: 'Preset', breakers: { closed: 'closed', open: 'open', half_open: 'half open' } as Record<string, string>,
  empty: 'Nothing here yet', emptyHint: 'Put it in legato.yaml:', call: 'providers:\n  - {name: openai, kind: openai_compatible, preset: openai, api_key: {env: OPENAI_API_KEY}}\ndeployments:\n  - {name: mini, provider: openai, model: gpt-5-mini}\nroutes:\n  - {alias: chat, deployments: [mini]}',
};
