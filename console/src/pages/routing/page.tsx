import { Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { type Columns, DataTable } from '../../components/DataTable';
import { State } from '../../components/Facts';
import { Money } from '../../components/Money';
import { Page } from '../../components/Page';
import { TimeRange } from '../../components/TimeRange';
import { Empty, Shown } from '../../components/states';
import { count } from '../../format';
import { sumOf } from '../../money';
import { useRange } from '../../range';
import { routing as words } from '../../strings/routing';
import { useUrl } from '../../url';
import { OneRoute } from './one';

type Route = components['schemas']['Route'];
const said = words.columns;

/** Routes with what they did, and for one of them what its deployments cost and are worth. */
export default function Routing() {
  const may = useMay();
  const [search, change] = useUrl();
  const { since, until } = useRange();
  const list = useQuery({ queryKey: ['models', 'routes'], queryFn: () => answer(api.GET('/api/v1/routes')), meta: { topics: ['registry'] } });
  const sums = useQuery({
    queryKey: ['routing', 'sums', since, until],
    queryFn: () => answer(api.GET('/api/v1/ledger/sums', { params: { query: { since, until: until ?? null, by: 'route,deployment' } } })),
    meta: { topics: ['spend'] },
    enabled: may('control:ledger:read'),
  });
  const columns = useMemo<Columns<Route>>(() => {
    const of = (alias: string) => (sums.data?.data ?? []).filter((one) => one.group.route === alias);
    return [
      { header: said.route, accessorKey: 'alias' },
      { header: said.healthy, id: 'healthy', cell: ({ row }) => <State tone={row.original.healthy ? 'good' : 'bad'}>{row.original.healthy ? words.ok : words.ill}</State> },
      { header: said.strategy, accessorKey: 'strategy' },
      { header: said.deployments, id: 'deployments', accessorFn: (one) => one.deployments.join(', ') },
      { header: said.baseline, accessorKey: 'baseline' },
      { header: said.requests, id: 'requests', cell: ({ row }) => count(of(row.original.alias).reduce((sum, each) => sum + each.requests, 0)), meta: { right: true } },
      { header: said.cost, id: 'cost', cell: ({ row }) => <Money usd={sumOf(of(row.original.alias).map((each) => each.cost_usd))} />, meta: { right: true } },
      { header: said.saved, id: 'saved', cell: ({ row }) => <Money usd={sumOf(of(row.original.alias).map((each) => each.saved_usd))} />, meta: { right: true } },
    ];
  }, [sums.data]);
  const chosen = list.data?.data.find((one) => one.alias === search.route) ?? list.data?.data[0];
  return (
    <Page title={words.title} about={words.about} actions={<TimeRange />}>
      <Shown of={list}>
        {({ data }) => (
          <Stack>
            <DataTable label={words.routes} columns={columns} rows={data} idOf={(one) => one.alias} selected={chosen?.alias} onOpen={(one) => change({ route: one.alias }, true)} height={300} empty={<Empty title={words.empty} call={words.call}>{words.emptyHint}</Empty>} />
            {chosen && may('control:ledger:read') ? <OneRoute key={chosen.alias} route={chosen} sums={sums} since={since} until={until} /> : <Text size="sm" c="dimmed">{words.choose}</Text>}
          </Stack>
        )}
      </Shown>
    </Page>
  );
}
