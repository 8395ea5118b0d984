import { Button, Group, Text, Title } from '@mantine/core';
import { useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Facts, State } from '../../components/Facts';
import { Money } from '../../components/Money';
import { Empty, Shown } from '../../components/states';
import { moment } from '../../format';
import { exactly, sumOf } from '../../money';
import { alerts } from '../../strings/alerts';
import { common } from '../../strings/common';
import { useUrl } from '../../url';

type Anomaly = components['schemas']['Anomaly'];
const words = alerts.anomalies;
const ANOMALIES = ['anomalies'] as const;

const columns: Columns<Anomaly> = [
  { header: words.state, id: 'state', cell: ({ row }) => <State tone={row.original.acknowledged_by === null ? 'bad' : 'good'}>{row.original.acknowledged_by === null ? words.open : words.dealt(row.original.acknowledged_by)}</State> },
  { header: words.feature, id: 'feature', accessorFn: (one) => [one.org, one.team, one.feature].filter(Boolean).join(' / ') },
  { header: words.when, id: 'when', accessorFn: (one) => moment(one.start) },
  { header: words.cost, id: 'cost', cell: ({ row }) => <Money usd={row.original.cost} />, meta: { right: true } },
  { header: words.expected, id: 'expected', cell: ({ row }) => <Money usd={row.original.expected} />, meta: { right: true } },
  { header: words.stake, id: 'stake', cell: ({ row }) => <Money usd={row.original.at_stake} />, meta: { right: true } },
  { header: words.z, id: 'z', accessorFn: (one) => one.z.toFixed(1), meta: { right: true } },
];

/** Spend far above what is usual, taken apart into what changed. */
export function Anomalies() {
  const [search, change] = useUrl();
  const list = usePages(ANOMALIES, ['alerts'], (cursor) => answer(api.GET('/api/v1/anomalies', { params: { query: { limit: 50, ...(cursor ? { cursor } : {}) } } })));
  const chosen = list.data?.find((one) => one.id === search.selected);
  return (
    <>
      <Shown of={list}>
        {(rows) => <DataTable label={alerts.tabs.anomalies} columns={columns} rows={rows} idOf={(one) => one.id} selected={search.selected} onOpen={(one) => change({ selected: one.id }, true)} more={list.more} empty={<Empty title={words.empty} call={words.call}>{words.emptyHint}</Empty>} />}
      </Shown>
      <Details opened={chosen !== undefined} title={chosen && `${chosen.team} / ${chosen.feature}`} onClose={() => change({ selected: undefined })}>
        {chosen && <One anomaly={chosen} />}
      </Details>
    </>
  );
}

function One({ anomaly }: { anomaly: Anomaly }) {
  const may = useMay();
  const renew = useRenew();
  const acknowledge = async () => {
    await answer(api.POST('/api/v1/anomalies/{anomaly_id}/acknowledge', { params: { path: { anomaly_id: anomaly.id } } }));
    await renew(ANOMALIES);
  };
  const parts = Object.entries(anomaly.parts);
  return (
    <>
      {may('control:anomaly:update') && anomaly.acknowledged_by === null && <Group><Button size="xs" onClick={() => void acknowledge()}>{words.acknowledge}</Button></Group>}
      <Facts of={[[words.when, `${moment(anomaly.start)} ${words.until} ${moment(anomaly.end)}`], [words.cost, <Money key="cost" usd={anomaly.cost} />], [words.expected, <Money key="expected" usd={anomaly.expected} />], [words.stake, <Money key="stake" usd={anomaly.at_stake} />], [words.model, anomaly.model]]} />
      <Title order={3}>{words.parts}</Title>
      <Facts of={[...parts.map(([name, usd]): [string, React.ReactNode] => [name, <span key={name}><Money usd={usd} /> · {words.partOf[name] ?? name}</span>]), [words.change, <Money key="sum" usd={sumOf(parts.map(([, usd]) => usd))} />]]} />
      <Text size="sm" c="dimmed">{words.label(moment(anomaly.reference_start), anomaly.reference_cost === null ? common.none : exactly(anomaly.reference_cost))}</Text>
    </>
  );
}
