import { Page } from '../../components/Page';
import { UrlTabs } from '../../components/UrlTabs';
import { triggers as words } from '../../strings/triggers';
import { Letters } from './letters';
import { List } from './list';

export default function Triggers() {
  return (
    <Page title={words.title} about={words.about}>
      <UrlTabs
        label={words.tabsLabel}
        tabs={[
          { value: 'list', label: words.tabs.list, panel: () => <List /> },
          { value: 'letters', label: words.tabs.letters, panel: () => <Letters /> },
        ]}
      />
    </Page>
  );
}
