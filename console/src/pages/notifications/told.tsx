import { Button, Group, Stack, Table, Text, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Facts, State, type Tone } from '../../components/Facts';
import { ChoiceFilter, Filters, TextFilter } from '../../components/Filters';
import { Inert, JsonView } from '../../components/Inert';
import { Empty, Failure, Shown } from '../../components/states';
import { ago, count, moment } from '../../format';
import { notifications as words } from '../../strings/notifications';
import { useUrl } from '../../url';

type Notification = components['schemas']['Notification'];
const said = words.columns;
const TOLD = ['notifications'] as const;
const SEVERITIES: Record<string, Tone> = { critical: 'bad', warning: 'warn' };
const STATES: Record<string, Tone> = { sent: 'good', dead: 'bad', waiting: 'warn' };
const placeOf = (one: Notification) => (one.org === '*' ? words.instance : [one.org, one.team, one.feature].filter(Boolean).join(' / '));

const columns: Columns<Notification> = [
  { header: said.at, id: 'at', accessorFn: (one) => ago(one.at) },
  { header: said.severity, id: 'severity', cell: ({ row }) => <State tone={SEVERITIES[row.original.severity] ?? 'plain'}>{row.original.severity}</State> },
  { header: said.kind, accessorKey: 'kind' },
  { header: said.title, accessorKey: 'title' },
  { header: said.place, id: 'place', accessorFn: placeOf },
  { header: said.deliveries, id: 'deliveries', accessorFn: (one) => one.deliveries.map((each) => `${each.channel}: ${words.deliveries[each.state] ?? each.state}`).join(', ') || words.nobody },
];

/** Everything that was told, newest first. */
export function Told() {
  const [search, change] = useUrl();
  const given = Object.fromEntries(['kind', 'delivery'].flatMap((name) => (search[name] ? [[name, search[name]]] : [])));
  const list = usePages([...TOLD, given], [], (cursor) => answer(api.GET('/api/v1/notifications', { params: { query: { limit: 50, ...given, ...(cursor ? { cursor } : {}) } } })));
  const chosen = list.data?.find((one) => one.id === search.selected);
  return (
    <Stack>
      <Filters label={words.filters.label}>
        <ChoiceFilter name="delivery" label={words.filters.delivery} choices={Object.entries(words.deliveries).map(([value, label]) => ({ value, label }))} />
        <TextFilter name="kind" label={words.filters.kind} placeholder="budget.warn" />
      </Filters>
      <Shown of={list}>
        {(rows) => <DataTable label={words.tabs.told} columns={columns} rows={rows} idOf={(one) => one.id} selected={search.selected} onOpen={(one) => change({ selected: one.id }, true)} more={list.more} empty={<Empty title={words.empty} call={words.call}>{words.emptyHint}</Empty>} />}
      </Shown>
      <Details opened={chosen !== undefined} title={words.one} onClose={() => change({ selected: undefined })} size={680}>
        {chosen && <One of={chosen} />}
      </Details>
    </Stack>
  );
}

function One({ of }: { of: Notification }) {
  const may = useMay();
  const renew = useRenew();
  const again = useMutation({
    mutationFn: () => answer(api.POST('/api/v1/notifications/{notification_id}/retry', { params: { path: { notification_id: of.id }, header: once() }, body: { channel: '' } })),
    onSuccess: () => renew(TOLD),
  });
  return (
    <>
      <Title order={3}>{of.title}</Title>
      <Facts of={[[said.at, moment(of.at)], [said.kind, of.kind], [said.severity, of.severity], [said.place, placeOf(of)]]} />
      {of.text !== '' && <Inert text={of.text} label={words.text} />}
      <Table aria-label={said.deliveries}>
        <Table.Thead><Table.Tr>{Object.values(words.delivery).map((name) => <Table.Th key={name} scope="col">{name}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>
          {of.deliveries.map((one) => (
            <Table.Tr key={one.channel}>
              <Table.Td>{one.channel}</Table.Td>
              <Table.Td><State tone={STATES[one.state] ?? 'plain'}>{words.deliveries[one.state] ?? one.state}</State></Table.Td>
              <Table.Td>{count(one.attempts)}</Table.Td>
              <Table.Td>{one.next_at === null ? '' : ago(one.next_at)}</Table.Td>
              <Table.Td>{one.sent_at === null ? '' : moment(one.sent_at)}</Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }}>{one.told}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {may('control:notification:update') && of.deliveries.some((one) => one.state !== 'sent') && (
        <Group gap="xs">
          <Button size="xs" variant="default" loading={again.isPending} onClick={() => again.mutate()}>{words.retry}</Button>
          <Text size="sm" role="status">{again.isSuccess ? words.retried : ''}</Text>
        </Group>
      )}
      {again.error && <Failure problem={again.error} />}
      {Object.keys(of.facts).length > 0 && <JsonView value={of.facts} label={words.facts} height={220} />}
    </>
  );
}
