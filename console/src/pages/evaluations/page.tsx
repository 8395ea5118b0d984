import { useMay } from '../../api/session';
import { Page } from '../../components/Page';
import { UrlTabs } from '../../components/UrlTabs';
import { evaluations as words } from '../../strings/evaluations';
import { Datasets } from './datasets';
import { Judges } from './judges';
import { Reviews } from './reviews';
import { Runs } from './runs';

export default function Evaluations() {
  const may = useMay();
  const tabs = [
    { value: 'runs', label: words.tabs.runs, panel: () => <Runs />, needs: 'evaluation:run:read' },
    { value: 'datasets', label: words.tabs.datasets, panel: () => <Datasets />, needs: 'registry:object:read' },
    { value: 'reviews', label: words.tabs.reviews, panel: () => <Reviews />, needs: 'reviews:item:read' },
    { value: 'judges', label: words.tabs.judges, panel: () => <Judges />, needs: 'reviews:item:read' },
  ];
  return (
    <Page title={words.title} about={words.about}>
      <UrlTabs label={words.tabsLabel} tabs={tabs.filter((one) => may(one.needs))} />
    </Page>
  );
}
