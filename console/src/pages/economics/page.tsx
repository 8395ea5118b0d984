import { Tabs } from '@mantine/core';
import type { ReactNode } from 'react';
import { useMay } from '../../api/session';
import { Page } from '../../components/Page';
import { TimeRange } from '../../components/TimeRange';
import { economics as words } from '../../strings/economics';
import { useUrl } from '../../url';
import { Assumptions } from './assumptions';
import { PlanTab } from './plan';
import { ProfitAndLoss } from './pnl';
import { Reports } from './reports';
import { Savings } from './savings';
import { Scale } from './scale';

type Tab = keyof typeof words.tabs;

const TABS: [Tab, string, () => ReactNode][] = [
  ['savings', 'control:ledger:read', () => <Savings />],
  ['plan', 'finance:book:read', () => <PlanTab />],
  ['scale', 'finance:book:read', () => <Scale />],
  ['pnl', 'finance:book:read', () => <ProfitAndLoss />],
  ['assumptions', 'finance:book:read', () => <Assumptions />],
  ['reports', 'finance:report:read', () => <Reports />],
];

export default function Economics() {
  const may = useMay();
  const [search, change] = useUrl();
  const offered = TABS.filter(([, permission]) => may(permission));
  const shown = offered.find(([name]) => name === search.tab) ?? offered[0];
  return (
    <Page title={words.title} about={words.about} actions={shown?.[0] === 'savings' && <TimeRange days />}>
      <Tabs value={shown?.[0] ?? null} onChange={(tab) => change({ tab: tab ?? undefined })} keepMounted={false}>
        <Tabs.List mb="md">
          {offered.map(([name]) => <Tabs.Tab key={name} value={name}>{words.tabs[name]}</Tabs.Tab>)}
        </Tabs.List>
        {offered.map(([name, , content]) => <Tabs.Panel key={name} value={name}>{content()}</Tabs.Panel>)}
      </Tabs>
    </Page>
  );
}
