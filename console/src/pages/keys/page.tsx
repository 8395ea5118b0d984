import { useMay } from '../../api/session';
import { Page } from '../../components/Page';
import { type TabOf, UrlTabs } from '../../components/UrlTabs';
import { keys as words } from '../../strings/keys';
import { Access } from './access';
import { Keys } from './keys';
import { People } from './people';
import { Places } from './places';
import { Rules } from './rules';

export default function KeysAndTeams() {
  const may = useMay();
  const tabs: (TabOf & { needs: string })[] = [
    { value: 'keys', label: words.tabs.keys, panel: () => <Keys />, needs: 'control:key:read' },
    { value: 'places', label: words.tabs.places, panel: () => <Places />, needs: 'control:organisation:read' },
    { value: 'people', label: words.tabs.people, panel: () => <People />, needs: 'control:account:read' },
    { value: 'roles', label: words.tabs.roles, panel: () => <Access />, needs: 'control:role:read' },
    { value: 'rules', label: words.tabs.rules, panel: () => <Rules />, needs: 'control:access:read' },
  ];
  return (
    <Page title={words.title} about={words.about}>
      <UrlTabs label={words.tabsLabel} tabs={tabs.filter((one) => may(one.needs))} />
    </Page>
  );
}
