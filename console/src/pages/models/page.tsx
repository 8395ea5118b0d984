import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { type Columns, DataTable } from '../../components/DataTable';
import { State, type Tone } from '../../components/Facts';
import { Page } from '../../components/Page';
import { Empty, Shown } from '../../components/states';
import { UrlTabs } from '../../components/UrlTabs';
import { count } from '../../format';
import { models as words } from '../../strings/models';

type Schemas = components['schemas'];
const BREAKERS: Record<string, Tone> = { closed: 'good', open: 'bad', half_open: 'warn' };
const LOOK_MS = 10_000;
const nothing = <Empty title={words.empty} call={words.call}>{words.emptyHint}</Empty>;

const leftOf = ({ load }: Schemas['Deployment']) =>
  [load?.requests_left != null && words.requestsLeft(count(load.requests_left)), load?.tokens_left != null && words.tokensLeft(count(load.tokens_left))].filter(Boolean).join(', ');

const deployments: Columns<Schemas['Deployment']> = [
  { header: words.name, accessorKey: 'name' },
  { header: words.provider, accessorKey: 'provider' },
  { header: words.model, accessorKey: 'model' },
  { header: words.region, accessorKey: 'region' },
  { header: words.breaker, id: 'breaker', cell: ({ row }) => <State tone={BREAKERS[row.original.breaker] ?? 'plain'}>{words.breakers[row.original.breaker] ?? row.original.breaker}</State> },
  { header: words.priced, id: 'priced', cell: ({ row }) => <State tone={row.original.priced ? 'good' : 'warn'}>{row.original.priced ? words.known : words.unknown}</State> },
  { header: words.outstanding, id: 'outstanding', accessorFn: (one) => one.load?.outstanding ?? '', meta: { right: true } },
  { header: words.left, id: 'left', accessorFn: leftOf },
  { header: words.version, id: 'version', accessorFn: (one) => one.version ?? words.file },
];

const routes: Columns<Schemas['Route']> = [
  { header: words.alias, accessorKey: 'alias' },
  { header: words.healthy, id: 'healthy', cell: ({ row }) => <State tone={row.original.healthy ? 'good' : 'bad'}>{row.original.healthy ? words.ok : words.ill}</State> },
  { header: words.strategy, accessorKey: 'strategy' },
  { header: words.deployments, id: 'deployments', accessorFn: (one) => one.deployments.join(', ') },
  { header: words.baseline, accessorKey: 'baseline' },
  { header: words.unfit, id: 'unfit', accessorFn: (one) => Object.entries(one.unfit).map(([name, why]) => `${name}: ${why.join(', ')}`).join('; ') },
  { header: words.version, id: 'version', accessorFn: (one) => one.version ?? words.file },
];

const providers: Columns<Schemas['Provider']> = [
  { header: words.name, accessorKey: 'name' },
  { header: words.kind, accessorKey: 'kind' },
  { header: words.preset, id: 'preset', accessorFn: (one) => one.preset ?? '' },
  { header: words.base, id: 'base', accessorFn: (one) => one.base_url ?? '' },
  { header: words.credential, id: 'credential', accessorFn: (one) => one.credential ?? '' },
];

const Withheld = ({ names }: { names: string[] }) => (names.length === 0 ? null : <Text size="sm" c="var(--legato-bad)">{words.withheld(names.join(', '))}</Text>);

function Deployments() {
  const list = useQuery({ queryKey: ['models', 'deployments'], queryFn: () => answer(api.GET('/api/v1/deployments')), refetchInterval: LOOK_MS, meta: { topics: ['registry'] } });
  return <Shown of={list}>{({ data, withheld }) => <Stack><DataTable label={words.tabs.deployments} columns={deployments} rows={data} idOf={(one) => one.name} empty={nothing} /><Withheld names={withheld} /></Stack>}</Shown>;
}

function Routes() {
  const list = useQuery({ queryKey: ['models', 'routes'], queryFn: () => answer(api.GET('/api/v1/routes')), meta: { topics: ['registry'] } });
  return <Shown of={list}>{({ data, withheld }) => <Stack><DataTable label={words.tabs.routes} columns={routes} rows={data} idOf={(one) => one.alias} empty={nothing} /><Withheld names={withheld} /></Stack>}</Shown>;
}

function Providers() {
  const list = useQuery({ queryKey: ['models', 'providers'], queryFn: () => answer(api.GET('/api/v1/providers')) });
  return <Shown of={list}>{({ data }) => <DataTable label={words.tabs.providers} columns={providers} rows={data} idOf={(one) => one.name} empty={nothing} />}</Shown>;
}

export default function Models() {
  return (
    <Page title={words.title} about={words.about}>
      <UrlTabs label={words.tabsLabel} tabs={[{ value: 'deployments', label: words.tabs.deployments, panel: () => <Deployments /> }, { value: 'routes', label: words.tabs.routes, panel: () => <Routes /> }, { value: 'providers', label: words.tabs.providers, panel: () => <Providers /> }]} />
    </Page>
  );
}
