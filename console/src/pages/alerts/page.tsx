import { useMay } from '../../api/session';
import { Page } from '../../components/Page';
import { type TabOf, UrlTabs } from '../../components/UrlTabs';
import { alerts as words } from '../../strings/alerts';
import { Anomalies } from './anomalies';
import { Incidents } from './incidents';
import { Objectives } from './objectives';

export default function Alerts() {
  const may = useMay();
  const tabs: (TabOf & { needs: string })[] = [
    { value: 'incidents', label: words.tabs.incidents, panel: () => <Incidents />, needs: 'control:incident:read' },
    { value: 'objectives', label: words.tabs.objectives, panel: () => <Objectives />, needs: 'control:objective:read' },
    { value: 'anomalies', label: words.tabs.anomalies, panel: () => <Anomalies />, needs: 'control:anomaly:read' },
  ];
  return (
    <Page title={words.title} about={words.about}>
      <UrlTabs label={words.tabsLabel} tabs={tabs.filter((one) => may(one.needs))} />
    </Page>
  );
}
