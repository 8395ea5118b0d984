import { useMay } from '../../api/session';
import { Page } from '../../components/Page';
import { type TabOf, UrlTabs } from '../../components/UrlTabs';
import { guardrails as words } from '../../strings/guardrails';
import { Policies } from './policies';
import { Samples } from './samples';
import { Triggers } from './triggers';
import { Try } from './try';

export default function Guardrails() {
  const may = useMay();
  const tabs: (TabOf & { needs: string })[] = [
    { value: 'triggers', label: words.tabs.triggers, panel: () => <Triggers />, needs: 'control:ledger:read' },
    { value: 'samples', label: words.tabs.samples, panel: () => <Samples />, needs: 'guardrails:sample:read' },
    { value: 'policies', label: words.tabs.policies, panel: () => <Policies />, needs: 'registry:object:read' },
    { value: 'try', label: words.tabs.try, panel: () => <Try />, needs: 'registry:object:read' },
  ];
  return (
    <Page title={words.title} about={words.about}>
      <UrlTabs label={words.tabsLabel} tabs={tabs.filter((one) => may(one.needs))} />
    </Page>
  );
}
