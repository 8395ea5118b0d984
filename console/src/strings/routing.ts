export const routing = {
  title: 'Routing',
  about: 'Which deployments answer for each route, what that costs, and how good their answers are by what callers said.',
  routes: 'Routes', columns: { route: 'Route', strategy: 'Strategy', deployments: 'Deployments', baseline: 'Baseline', requests: 'Requests', cost: 'Cost', saved: 'Saved by prices', healthy: 'Health' }, ok: 'healthy', ill: 'nothing healthy',
  empty: 'No route yet', emptyHint: 'Put one in legato.yaml:', call: 'routes:\n  - {alias: chat, baseline: large, deployments: [small, large]}', choose: 'Choose a route to see its deployments.',
  of: (route: string) => `Deployments of ${route}`, one: { deployment: 'Deployment', share: 'Share', perRequest: 'Cost per request', quality: 'Quality', said: 'Said of', frontier: 'Frontier', on: 'on it', off: 'dearer and no better than another', unknown: 'not known' },
  frontier: 'Cost and quality', measure: 'Quality by', measures: { thumbs: 'thumbs up', accepted: 'outcomes accepted', score: 'mean score' },
  frontierLabel: (known: number, all: number) => `Cost per request against quality of ${known} of ${all} deployments; the line joins those that none beats in both.`, axisCost: 'Cost per request ($)', axisQuality: 'Quality', line: 'Frontier',
  noQuality: 'Nobody said yet how good these answers are', noQualityHint: 'Applications send feedback on an answer by its request id:', feedback: (server: string) => `curl ${server}/v1/feedback -H "authorization: Bearer $LEGATO_KEY" \\\n  -H 'content-type: application/json' -d '{"request_id": "…", "thumbs": "up"}'`,
  floor: 'Proven floor', noFloor: 'It guarantees no quality: set quality.guarantee on the route to have a floor proven.', floorFacts: { policy: 'Policy', margin: 'May lose at most', share: 'May leave the baseline', compared: 'Compared', loss: 'Loses at most, proven', back: 'Taken back' }, compared: (better: number, equal: number, worse: number) => `${better} better, ${equal} equal, ${worse} worse`,
  interval: (share: string, low: string, high: string) => `${share} (${low} – ${high})`,
};
