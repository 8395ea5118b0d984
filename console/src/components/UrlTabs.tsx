import { Tabs } from '@mantine/core';
import type { ReactNode } from 'react';
import { useUrl } from '../url';

export interface TabOf {
  value: string;
  label: string;
  panel: () => ReactNode;
}

/** Tabs whose choice is in the address; only the chosen one asks the server. */
export function UrlTabs({ tabs, label }: { tabs: TabOf[]; label: string }) {
  const [search, change] = useUrl();
  const chosen = tabs.find((one) => one.value === search.tab) ?? tabs[0];
  if (!chosen) return null;
  return (
    <Tabs value={chosen.value} onChange={(value) => change({ tab: value ?? undefined, selected: undefined })} keepMounted={false}>
      <Tabs.List aria-label={label} mb="md">
        {tabs.map((one) => <Tabs.Tab key={one.value} value={one.value}>{one.label}</Tabs.Tab>)}
      </Tabs.List>
      {tabs.map((one) => <Tabs.Panel key={one.value} value={one.value}>{one.panel()}</Tabs.Panel>)}
    </Tabs>
  );
}
