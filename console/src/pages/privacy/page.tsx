import { useMay } from '../../api/session';
import { Page } from '../../components/Page';
import { UrlTabs } from '../../components/UrlTabs';
import { privacy as words } from '../../strings/privacy';
import { Residency } from './residency';
import { Retention } from './retention';

export default function Privacy() {
  const may = useMay();
  const tabs = [
    { value: 'retention', label: words.tabs.retention, panel: () => <Retention />, needs: 'privacy:retention:read' },
    { value: 'residency', label: words.tabs.residency, panel: () => <Residency />, needs: 'privacy:residency:read' },
  ];
  return (
    <Page title={words.title} about={words.about}>
      <UrlTabs label={words.tabsLabel} tabs={tabs.filter((one) => may(one.needs))} />
    </Page>
  );
}
