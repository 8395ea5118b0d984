import { NativeSelect, Stack, Table, Text } from '@mantine/core';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { ApiError } from '../../api/errors';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { Facts, State } from '../../components/Facts';
import { Money } from '../../components/Money';
import { Panel } from '../../components/Page';
import { Empty, Shown } from '../../components/states';
import { count, percent } from '../../format';
import { server } from '../../place';
import { routing as words } from '../../strings/routing';
import { useUrl } from '../../url';
import { Frontier } from './frontier';
import { type Known, type Measure, frontierOf, perRequest, qualityOf, sayQuality } from './quality';
import { WhatIf } from './what-if';

type Schemas = components['schemas'];
const MEASURES = Object.entries(words.measures).map(([value, label]) => ({ value, label }));

interface OneRouteProps {
  route: Schemas['Route'];
  sums: UseQueryResult<Schemas['Sums']>;
  since: string;
  until: string | undefined;
}

/** What a route's deployments cost and are worth, and what is proven of its floor. */
export function OneRoute({ route, sums, since, until }: OneRouteProps) {
  const may = useMay();
  const [search, change] = useUrl();
  const measure = (search.measure ?? 'thumbs') as Measure;
  const feedback = useQuery({
    queryKey: ['routing', 'feedback', route.alias, since, until],
    queryFn: () => answer(api.GET('/api/v1/feedback/summary', { params: { query: { route: route.alias, since, until: until ?? null, by: 'deployment' } } })),
    enabled: may('control:feedback:read'),
  });
  return (
    <Stack>
      <Shown of={sums}>
        {({ data }) => {
          const known = knownOf(route, data, feedback.data?.data ?? [], measure);
          return (
            <>
              <Panel title={words.of(route.alias)} actions={<NativeSelect size="xs" aria-label={words.measure} data={MEASURES} value={measure} onChange={(event) => change({ measure: event.currentTarget.value })} />}>
                <Deployments of={known} />
              </Panel>
              {known.some((one) => one.quality) ? <Frontier of={known} /> : <Panel title={words.frontier}><Empty title={words.noQuality} call={words.feedback(server)}>{words.noQualityHint}</Empty></Panel>}
            </>
          );
        }}
      </Shown>
      <Floor route={route.alias} />
      <Shown of={sums}>{({ data }) => <WhatIf route={route} asked={askedOf(route.alias, data)} since={since} until={until} />}</Shown>
    </Stack>
  );
}

/** The deployments that the route's requests went to, the most asked first. */
const askedOf = (route: string, sums: Schemas['Sums']['data']) =>
  sums.filter((one) => one.group.route === route && one.group.deployment && one.requests > 0).sort((a, b) => b.requests - a.requests).map((one) => one.group.deployment ?? '');

function knownOf(route: Schemas['Route'], sums: Schemas['Sums']['data'], said: Schemas['Summary'][], measure: Measure): Known[] {
  const mine = sums.filter((one) => one.group.route === route.alias);
  const names = [...new Set([...route.deployments, ...mine.map((one) => one.group.deployment ?? '')])].filter(Boolean);
  return names.map((deployment) => {
    const sum = mine.find((one) => one.group.deployment === deployment);
    const spoken = said.find((one) => one.group.deployment === deployment);
    return {
      deployment,
      requests: sum?.requests ?? 0,
      perRequest: sum?.cost_usd ? perRequest(sum.cost_usd, sum.requests) : null,
      quality: spoken ? qualityOf(spoken, measure) : null,
    };
  });
}

function Deployments({ of }: { of: Known[] }) {
  const said = words.one;
  const all = of.reduce((sum, one) => sum + one.requests, 0);
  const frontier = frontierOf(of);
  const place = (one: Known) => (one.perRequest === null || one.quality === null ? <State>{said.unknown}</State> : frontier.includes(one) ? <State tone="good">{said.on}</State> : <State tone="warn">{said.off}</State>);
  return (
    <Table aria-label={words.one.deployment}>
      <Table.Thead><Table.Tr>{[said.deployment, words.columns.requests, said.share, said.perRequest, said.quality, said.said, said.frontier].map((name, index) => <Table.Th key={name} scope="col" ta={index > 0 && index < 6 ? 'right' : undefined}>{name}</Table.Th>)}</Table.Tr></Table.Thead>
      <Table.Tbody>
        {of.map((one) => (
          <Table.Tr key={one.deployment}>
            <Table.Td>{one.deployment}</Table.Td>
            <Table.Td ta="right">{count(one.requests)}</Table.Td>
            <Table.Td ta="right">{all ? percent(one.requests / all) : ''}</Table.Td>
            <Table.Td ta="right">{one.perRequest === null ? said.unknown : <Money usd={one.perRequest} />}</Table.Td>
            <Table.Td ta="right">{one.quality ? sayQuality(one.quality) : said.unknown}</Table.Td>
            <Table.Td ta="right">{count(one.quality?.n ?? 0)}</Table.Td>
            <Table.Td>{place(one)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

function Floor({ route }: { route: string }) {
  const found = useQuery({
    queryKey: ['routing', 'floor', route],
    queryFn: async () => {
      try {
        return await answer(api.GET('/api/v1/routes/{route}/floor', { params: { path: { route } } }));
      } catch (problem) {
        if (problem instanceof ApiError && problem.status === 400) return null; // it guarantees nothing
        throw problem;
      }
    },
  });
  const said = words.floorFacts;
  return (
    <Panel title={words.floor}>
      <Shown of={found}>
        {(floor) => floor === null ? <Text size="sm" c="dimmed">{words.noFloor}</Text> : (
          <Facts of={[[said.policy, floor.policy], [said.margin, percent(floor.margin)], [said.share, percent(floor.share)], [said.compared, words.compared(floor.better, floor.equal, floor.worse)], [said.loss, floor.loss_at_most === null ? words.one.unknown : percent(floor.loss_at_most)], [said.back, count(floor.taken_back)]]} />
        )}
      </Shown>
    </Panel>
  );
}
