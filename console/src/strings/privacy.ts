export const privacy = {
  title: 'Retention and regions',
  about: 'How long each kind of row is kept, and to which regions calls may go. What is set here is in force within two minutes, and in the audit log.',
  tabsLabel: 'Parts of retention and regions',
  tabs: { retention: 'Retention', residency: 'Regions' },
  org: 'Organisation',
  retention: {
    table: 'Table', rule: 'Kind', days: 'Days', kept: 'Kept', oldest: 'Oldest row', due: 'Due',
    terms: 'Terms set here', none: 'None is set here: the configuration says how long everything is kept.', tables: 'Every table', only: 'Show', all: 'all tables', timed: 'those with a term', waiting: 'those with rows due',
    set: 'Set a shorter term', setAbout: 'Rows older than this go for good, within two minutes. A longer term than the configuration’s has no effect.', kind: 'Kind', newDays: 'Days to keep',
    remove: 'Take away', removeOne: (kind: string) => `Take away the term of ${kind}`, everywhere: 'all organisations', by: 'By', at: 'Since', change: 'Set it',
  },
  residency: {
    of: 'Of', regions: 'Regions', whole: 'the whole organisation', team: 'Team', by: 'By', at: 'Since',
    empty: 'Calls may go anywhere', emptyHint: 'Hold an organisation or one of its teams to regions, as deployments have them.',
    set: 'Hold to regions', setAbout: 'Routes and deployments outside are refused within half a second. A team’s regions narrow its organisation’s.', names: 'Regions, separated by commas', teamHint: 'Empty: the whole organisation.',
    anywhere: 'Let calls go anywhere', anywhereOne: (of: string) => `Let calls go anywhere: ${of}`, change: 'Hold', shut: (names: string) => `Shut out from now on: ${names}.`, nothing: 'Nothing that is served is shut out.',
    loosen: 'Let calls go anywhere again', loosenAbout: (of: string, regions: string) => `Calls of ${of} are no longer held to ${regions}: whatever their content, they may be sent to any deployment.`,
  },
};
