import { some } from './plural';

export const compliance = {
  title: 'Compliance',
  about: 'The controls of GDPR, HIPAA and SOC 2, each with what this instance showed.',
  framework: 'Framework', frameworks: { gdpr: 'GDPR', hipaa: 'HIPAA', soc2: 'SOC 2' } as Record<string, string>, all: 'all',
  status: 'Status', statuses: { pass: 'meets it', fail: 'fails', warn: 'look at it', no_live_check: 'no live check', not_applicable: 'not applicable' } as Record<string, string>,
  columns: { id: 'Control', framework: 'Framework', demands: 'Demands', status: 'Status', seen: 'Last looked at' },
  look: 'Look now', looking: 'Looking …', looked: (n: number, changed: number) => `${some(n, 'check')} looked, ${changed} came to something else than before.`, json: 'Report (JSON)', pdf: 'Report (PDF)',
  pick: 'Choose a framework to make its report.', never: 'not yet', checks: 'What was seen', unseen: 'Not looked at yet', beyond: 'Beyond this program', evidence: 'Evidence', since: (first: string, times: number) => `since ${first}, seen ${some(times, 'time')}`, noCheck: 'Nothing in this program can show it: it is for people and papers.',
  empty: 'No control here',
};
