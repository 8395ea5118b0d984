const CALL = 'triggers:\n  - name: nightly\n    kind: schedule\n    settings: {key: shop, cron: "30 2 * * 1-5", time_zone: Europe/Vienna}';

export const triggers = {
  title: 'Triggers',
  about: 'What begins runs of workflows by itself: webhooks, times, messages and events. They stand in the definition of the workflow.',
  tabsLabel: 'Parts of triggers',
  tabs: { list: 'Triggers', letters: 'What became no run' },
  columns: { name: 'Trigger', kind: 'Kind', state: 'State', received: 'Received', started: 'Runs', dead: 'No run', heard: 'Last heard', next: 'Next' },
  state: { trouble: 'in trouble', paused: 'paused', gone: 'no longer in force', listening: 'listening', ready: 'in force', waiting: 'not yet listening' },
  empty: 'No workflow has a trigger', emptyHint: 'A trigger is part of a workflow’s definition, and in force once a version with it is live:', call: CALL,
  facts: { kind: 'Kind', state: 'State', trouble: 'Why it does not listen', path: 'Address', lag: 'Behind the last event', next: 'Next times', duplicates: 'Copies of what was heard', passed: 'Left out by its condition' },
  settings: 'Settings',
  pause: 'Pause', resume: 'Resume', paused: (name: string) => `${name} rests: brokers keep what comes, webhooks are answered 503.`, resumed: (name: string) => `${name} listens again.`,
  trial: { title: 'Try an event', about: 'Says what an event would begin a run with. Nothing begins.', data: 'Data of the event, as JSON', act: 'Try', none: 'It would begin no run: its condition leaves the event out.', begins: 'It would begin a run with', notJson: 'That is no JSON.' },
  backfill: {
    title: 'Make up for times', about: 'Begins a run for each time within the span; those that have begun one do not again.', since: 'Since', until: 'Until', act: 'Begin the runs',
    done: (started: string, duplicate: string, dead: string) => `${started} begun, ${duplicate} had begun before, ${dead} became no run.`, more: (since: string) => `There are more from ${since} on: ask again from there.`,
  },
  letters: {
    filter: 'Which', states: { open: 'open', redriven: 'begun again', dismissed: 'dismissed' } as Record<string, string>, workflow: 'Workflow',
    columns: { at: 'When', trigger: 'Trigger', reason: 'Why', state: 'State' },
    empty: 'Nothing is open', emptyHint: 'Here stands what a trigger heard and could not begin a run with.',
    one: 'What became no run', message: 'Why', event: 'Event', raw: 'What was heard', ended: 'Decided', run: 'Its run',
    redrive: 'Begin its run', dismiss: 'Dismiss', notJson: 'The event is no JSON.', hint: 'Changed, it begins a run with what it should have been.',
  },
};
