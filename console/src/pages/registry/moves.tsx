import { Button, Group, TextInput } from '@mantine/core';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { Actor } from '../../components/Actor';
import { type Columns, DataTable } from '../../components/DataTable';
import { FormModal } from '../../components/FormModal';
import { Empty, Shown } from '../../components/states';
import { ago } from '../../format';
import { registry } from '../../strings/registry';

type Move = components['schemas']['Move'];
const words = registry.moves;
const MOVES = ['registry', 'moves'] as const;
const DIGITS = 12;
const short = (digest: string | null) => digest?.slice(0, DIGITS) ?? words.nothing;

/** Moves of labels that others are to approve. */
export function Moves() {
  const may = useMay();
  const renew = useRenew();
  const [deciding, setDeciding] = useState<{ move: Move; approve: boolean } | null>(null);
  const list = usePages(MOVES, ['registry'], (cursor) => answer(api.GET('/api/v1/registry/moves', { params: { query: { state: 'pending', limit: 50, ...(cursor ? { cursor } : {}) } } })));
  const columns: Columns<Move> = [
    { header: registry.name, id: 'name', accessorFn: (one) => `${one.kind} ${one.name}@${one.label}` },
    { header: words.from, id: 'from', accessorFn: (one) => short(one.from_digest) },
    { header: words.to, id: 'to', accessorFn: (one) => short(one.to_digest) },
    { header: words.author, id: 'author', cell: ({ row }) => <Actor of={row.original.author} /> },
    { header: registry.why, accessorKey: 'reason' },
    { header: words.wanted, accessorKey: 'approvals_wanted', meta: { right: true } },
    { header: registry.at, id: 'at', accessorFn: (one) => ago(one.asked_at) },
    ...(may('registry:move:approve') ? [{ header: words.approve, id: 'acts', cell: ({ row }: { row: { original: Move } }) => <Group gap={4}><Button size="compact-xs" onClick={() => setDeciding({ move: row.original, approve: true })}>{words.approve}</Button><Button size="compact-xs" variant="default" onClick={() => setDeciding({ move: row.original, approve: false })}>{words.reject}</Button></Group> }] : []),
  ];
  const decide = async ({ reason = '' }: Record<string, string>) => {
    if (!deciding) return;
    const params = { path: { move_id: deciding.move.id }, header: once() };
    await answer(deciding.approve ? api.POST('/api/v1/registry/moves/{move_id}/approve', { params, body: { reason } }) : api.POST('/api/v1/registry/moves/{move_id}/reject', { params, body: { reason } }));
    await renew(['registry']);
  };
  const act = deciding?.approve ? words.approve : words.reject;
  return (
    <>
      <Shown of={list}>{(rows) => <DataTable label={registry.tabs.moves} columns={columns} rows={rows} idOf={(one) => one.id} more={list.more} empty={<Empty title={words.empty}>{words.emptyHint}</Empty>} />}</Shown>
      <FormModal opened={deciding !== null} onClose={() => setDeciding(null)} title={deciding ? `${act}: ${deciding.move.name}@${deciding.move.label}` : ''} action={act} onSubmit={decide}>
        <TextInput name="reason" label={registry.reason} data-autofocus />
      </FormModal>
    </>
  );
}
