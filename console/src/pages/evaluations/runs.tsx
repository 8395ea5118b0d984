import { Button, Group, Stack } from '@mantine/core';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { State, type Tone } from '../../components/Facts';
import { Money } from '../../components/Money';
import { Empty, Shown } from '../../components/states';
import { ago, count } from '../../format';
import { evaluations as words } from '../../strings/evaluations';
import { useUrl } from '../../url';
import { One } from './one';
import { Start } from './start';

export type Evaluation = components['schemas']['Evaluation'];
export const TONES: Record<string, Tone> = { done: 'good', failed: 'bad', capped: 'bad', cancelled: 'warn' };
const said = words.columns;

const columns: Columns<Evaluation> = [
  { header: said.name, accessorKey: 'name' },
  { header: said.status, id: 'status', cell: ({ row }) => <State tone={TONES[row.original.status] ?? 'plain'}>{row.original.status}</State> },
  { header: said.dataset, accessorKey: 'dataset' },
  { header: said.subjects, id: 'subjects', accessorFn: (one) => one.subjects.map((each) => each.label).join(', ') },
  { header: said.done, id: 'done', accessorFn: (one) => `${count(one.done)} / ${count(one.answers)}`, meta: { right: true } },
  { header: said.failed, id: 'failed', accessorFn: (one) => count(one.failed), meta: { right: true } },
  { header: said.cost, id: 'cost', cell: ({ row }) => <Money usd={row.original.cost_usd} />, meta: { right: true } },
  { header: said.at, id: 'at', accessorFn: (one) => ago(one.created_at) },
];

/** Evaluations, newest first. */
export function Runs() {
  const [search, change] = useUrl();
  const may = useMay()('evaluation:run:create');
  const [starting, setStarting] = useState(false);
  const list = usePages(['evaluations'], ['evaluations'], (cursor) => answer(api.GET('/api/v1/evaluations', { params: { query: { limit: 50, ...(cursor ? { cursor } : {}) } } })));
  const open = (id: string) => change({ selected: id }, true);
  return (
    <Stack>
      {may && <Group justify="flex-end"><Button onClick={() => setStarting(true)}>{words.start.title}</Button></Group>}
      <Shown of={list}>
        {(rows) => <DataTable label={words.tabs.runs} columns={columns} rows={rows} idOf={(one) => one.id} selected={search.selected} onOpen={(one) => open(one.id)} more={list.more} empty={<Empty title={words.empty} call={words.call}>{words.emptyHint}</Empty>} />}
      </Shown>
      {may && starting && <Start onClose={() => setStarting(false)} onStarted={open} />}
      <Details opened={search.selected !== undefined} title={words.tabs.runs} onClose={() => change({ selected: undefined })} size={900}>
        {search.selected && <One id={search.selected} key={search.selected} />}
      </Details>
    </Stack>
  );
}
