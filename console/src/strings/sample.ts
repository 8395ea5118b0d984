export const sample = {
  title: 'Look around first',
  banner: 'Sample data',
  about: 'An invented company in a database of its own. None of these figures is yours, and nothing here can be changed.',
  offer: 'Two months of an invented company show what every page is for. They lie in a database of their own, never among your figures, and go with one click.',
  enter: 'Show sample data',
  leave: 'Back to your own data',
  remove: 'Remove the sample data',
};
