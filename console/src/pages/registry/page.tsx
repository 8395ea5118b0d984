import { Page } from '../../components/Page';
import { UrlTabs } from '../../components/UrlTabs';
import { registry as words } from '../../strings/registry';
import { Moves } from './moves';
import { Objects } from './objects';
import { Rollouts } from './rollouts';

export default function Registry() {
  return (
    <Page title={words.title} about={words.about}>
      <UrlTabs
        label={words.tabsLabel}
        tabs={[
          { value: 'objects', label: words.tabs.objects, panel: () => <Objects /> },
          { value: 'rollouts', label: words.tabs.rollouts, panel: () => <Rollouts /> },
          { value: 'moves', label: words.tabs.moves, panel: () => <Moves /> },
        ]}
      />
    </Page>
  );
}
