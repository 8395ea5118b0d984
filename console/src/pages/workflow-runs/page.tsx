import { SegmentedControl } from '@mantine/core';
import { useParams } from '@tanstack/react-router';
import { Page } from '../../components/Page';
import { runs as words } from '../../strings/workflow-runs';
import { useUrl } from '../../url';
import { DeadLetters } from './DeadLetters';
import { Detail } from './Detail';
import { RunList } from './RunList';

export default function Runs() {
  const { id } = useParams({ strict: false }) as { id?: string };
  const [search, change] = useUrl();
  if (id) return <Detail key={id} id={id} />;
  const tab = search.tab === 'letters' ? 'letters' : 'runs';
  const tabs = Object.entries(words.tabs).map(([value, label]) => ({ value, label }));
  return (
    <Page title={words.title} about={words.about} actions={<SegmentedControl aria-label={words.title} data={tabs} value={tab} onChange={(next) => change({ tab: next === 'runs' ? undefined : next })} />}>
      {tab === 'runs' ? <RunList /> : <DeadLetters />}
    </Page>
  );
}
