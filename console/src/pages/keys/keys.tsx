import { Button, Group, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import { useMay } from '../../api/session';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Facts, State, type Tone } from '../../components/Facts';
import { Filters, TextFilter } from '../../components/Filters';
import { Empty, Shown } from '../../components/states';
import { ago, moment } from '../../format';
import { server } from '../../place';
import { keys as words } from '../../strings/keys';
import { useUrl } from '../../url';
import { type Key, placeOf, read } from './data';
import { KeyActs } from './key-acts';
import { NewKey } from './new-key';
import { Usage } from './usage';

export const KEYS = ['keys'] as const;
const TONES: Record<string, Tone> = { in_force: 'good', expired: 'warn', revoked: 'bad' };
const call = `curl ${server}/api/v1/keys -H "Authorization: Bearer $LEGATO_ADMIN_KEY" \\\n  -H 'Content-Type: application/json' -d '{"feature_id": "…", "name": "letters"}'`;

const columns: Columns<Key> = [
  { header: words.columns.name, accessorKey: 'name' },
  { header: words.columns.place, id: 'place', accessorFn: placeOf },
  { header: words.columns.state, id: 'state', cell: ({ row }) => <StateOf one={row.original} /> },
  { header: words.columns.scopes, id: 'scopes', accessorFn: (one) => one.scopes.join(', ') },
  { header: words.columns.source, accessorKey: 'source' },
  { header: words.columns.made, id: 'made', accessorFn: (one) => ago(one.created_at) },
  { header: words.columns.expires, id: 'expires', accessorFn: (one) => (one.expires_at ? ago(one.expires_at) : words.never) },
];

const StateOf = ({ one }: { one: Key }) => <State tone={TONES[one.state] ?? 'plain'}>{words.states[one.state] ?? one.state}</State>;

export function Keys() {
  const may = useMay();
  const [search, change] = useUrl();
  const [making, setMaking] = useState(false);
  const renew = useRenew();
  const list = usePages(KEYS, [], read.keys);
  const rows = useMemo(() => {
    const wanted = (search.find ?? '').toLowerCase();
    return (list.data ?? []).filter((one) => `${one.name} ${placeOf(one)} ${one.id}`.toLowerCase().includes(wanted));
  }, [list.data, search.find]);
  return (
    <Stack>
      <Group justify="space-between" align="flex-end">
        <Filters label={words.find}><TextFilter name="find" label={words.find} /></Filters>
        {may('control:key:create') && <Button onClick={() => setMaking(true)}>{words.newKey}</Button>}
      </Group>
      <Shown of={{ ...list, data: list.data }}>
        {() => (
          <DataTable
            label={words.tabs.keys}
            columns={columns}
            rows={rows}
            idOf={(one) => one.id}
            selected={search.selected}
            onOpen={(one) => change({ selected: one.id }, true)}
            more={list.more}
            empty={<Empty title={words.emptyKeys} call={call}>{words.emptyKeysHint}</Empty>}
          />
        )}
      </Shown>
      <OneKey id={search.selected} onClose={() => change({ selected: undefined })} />
      <NewKey opened={making} onClose={() => setMaking(false)} onMade={() => renew(KEYS)} />
    </Stack>
  );
}

function OneKey({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const one = useQuery({
    queryKey: [...KEYS, 'one', id],
    queryFn: async () => {
      const call = await api.GET('/api/v1/keys/{key_id}', { params: { path: { key_id: id ?? '' } } });
      return { key: await answer(Promise.resolve(call)), etag: call.response.headers.get('etag') ?? '' };
    },
    enabled: id !== undefined,
  });
  return (
    <Details opened={id !== undefined} title={one.data?.key.name ?? words.columns.name} onClose={onClose}>
      <Shown of={one}>{({ key, etag }) => <About one={key} etag={etag} />}</Shown>
    </Details>
  );
}

function About({ one, etag }: { one: Key; etag: string }) {
  const may = useMay();
  const facts = words.facts;
  return (
    <>
      <KeyActs one={one} etag={etag} />
      <Facts
        of={[
          [words.columns.state, <StateOf key="state" one={one} />],
          [facts.place, placeOf(one)],
          [facts.scopes, one.scopes.join(', ')],
          [facts.models, one.models.includes('*') ? words.every : one.models.join(', ')],
          [facts.limit, one.requests_per_minute],
          [facts.together, one.concurrency_max],
          [facts.budget, one.budget && `$${one.budget.usd} / ${one.budget.window}`],
          [facts.from, one.allow_from.join(', ')],
          [facts.tags, Object.entries(one.tags).map(([name, value]) => `${name}=${value}`).join(', ')],
          [facts.made, moment(one.created_at)],
          [facts.by, one.made_by],
          [facts.expires, one.expires_at ? moment(one.expires_at) : words.never],
          [facts.revoked, one.revoked_at && moment(one.revoked_at)],
          [facts.source, one.source],
          [facts.id, one.id],
        ]}
      />
      {may('control:ledger:read') && <Usage id={one.id} />}
    </>
  );
}
