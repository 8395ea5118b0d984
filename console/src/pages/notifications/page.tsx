import { useMay } from '../../api/session';
import { Page } from '../../components/Page';
import { type TabOf, UrlTabs } from '../../components/UrlTabs';
import { notifications as words } from '../../strings/notifications';
import { Channels } from './channels';
import { Digest } from './digest';
import { Told } from './told';

export default function Notifications() {
  const may = useMay();
  const tabs: (TabOf & { needs: string })[] = [
    { value: 'told', label: words.tabs.told, panel: () => <Told />, needs: 'control:notification:read' },
    { value: 'channels', label: words.tabs.channels, panel: () => <Channels />, needs: 'control:notification:test' },
    { value: 'digest', label: words.tabs.digest, panel: () => <Digest />, needs: 'control:notification:read' },
  ];
  return (
    <Page title={words.title} about={words.about}>
      <UrlTabs label={words.tabsLabel} tabs={tabs.filter((one) => may(one.needs))} />
    </Page>
  );
}
