const SUITE = `{
  "dataset": "questions",
  "models": ["chat"],
  "scorers": [{"use": "exact"}]
}`;

export const evaluations = {
  title: 'Evaluations',
  about: 'Suites run over versions, models and workflows: what each scored, what it cost, and whether a change is worse. Reviews are what people say of answers, and how far judges agree with them.',
  tabsLabel: 'Parts of evaluations',
  tabs: { runs: 'Evaluations', datasets: 'Data sets', reviews: 'Reviews', judges: 'Judges' },
  columns: { name: 'Name', status: 'State', dataset: 'Data set', subjects: 'Subjects', done: 'Answers', failed: 'Failed', cost: 'Cost', at: 'Started' },
  empty: 'Nothing was evaluated yet', emptyHint: 'A suite names a data set, what answers, and what scores the answers:', call: 'legato eval run suite.yaml',
  start: { title: 'Start an evaluation', act: 'Start', estimate: 'What would it cost?', name: 'Name', suite: 'Suite, as JSON, or the name of one in the registry', key: 'For which key', keyHint: 'Its limits, rights and budget hold.', cap: 'At most, in USD', sample: SUITE, told: (answers: string) => `${answers} answers, roughly`, unpriced: 'No price is known of', unknown: 'a cost that is not known' },
  facts: { state: 'State', told: 'Why', dataset: 'Data set', split: 'Split', scorers: 'Scorers', repetitions: 'Repetitions', author: 'By', started: 'Started', ended: 'Ended', answers: 'Answers', cost: 'Cost', cap: 'At most', regress: 'May be worse by' },
  cancel: 'Cancel', resume: 'Go on',
  grid: { title: 'Scores', subject: 'Subject', answers: 'Answers', cost: 'Cost', perAccepted: 'Per accepted', p95: 'p95', between: (low: string, high: string) => `${low} to ${high}`, cases: (n: string) => `${n} cases`, hint: 'Means with 95 % intervals.', unjudged: 'no case could be judged' },
  differences: { title: 'Beside the baseline', subject: 'Subject', baseline: 'Baseline', scorer: 'Scorer', difference: 'Difference', verdict: 'Verdict', worse: 'worse', better: 'better', same: 'not told apart', none: 'No subject of this suite has a baseline.' },
  answers: { title: 'Answers', amiss: 'Only what failed or could not be judged', case: 'Case', subject: 'Subject', text: 'Answer', scores: 'Scores', error: 'Error', request: 'Request', more: 'More answers', none: 'No answers yet.', none_amiss: 'Nothing is amiss.' },
  datasets: { name: 'Data set', versions: 'Versions', labels: 'Labels', owner: 'Owner', description: 'What it holds', empty: 'No data set yet', emptyHint: 'A data set is a list of cases, by hand or out of traffic:', call: 'legato datasets import questions questions.jsonl', open: 'Its versions' },
  reviews: {
    judge: 'Judge', open: 'Only those that want labels', source: 'From', wanted: 'Labels', since: 'Since', empty: 'Nothing waits for a review', emptyHint: 'Put answers of an evaluation, or of captured traffic, before people:', call: 'legato reviews collect --judge grader --captures',
    next: 'Review the next', none: 'None is left for you.', item: 'Answer to review', content: 'What was asked and answered', gone: 'It can no longer be read.', said: 'What was said', skipped: 'skipped', comment: 'Comment', correction: 'What it should have said', say: 'Say it', skip: 'Leave it to others', thanks: 'It is kept.', of: (given: string, wanted: string) => `${given} of ${wanted}`,
  },
  judges: { judge: 'Judge', at: 'Measured', author: 'By', record: 'How far it agrees with people', empty: 'No judge was measured yet', emptyHint: 'Once people have labelled answers:', call: 'legato judges measure grader' },
};
