import { Button, Checkbox, Group, Modal, NativeSelect, Stack, Text } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import { useMay } from '../../api/session';
import { type Columns, DataTable } from '../../components/DataTable';
import { TextFilter } from '../../components/Filters';
import { JsonField } from '../../components/SchemaForm';
import { Empty, Failure, Shown } from '../../components/states';
import { count, moment } from '../../format';
import { common } from '../../strings/common';
import { runs as words } from '../../strings/workflow-runs';
import { useUrl } from '../../url';
import type { Run } from './parts';

type Letter = 'open' | 'redriven' | 'dismissed';

/** Runs that failed: chosen, edited and begun again, many at once. */
export function DeadLetters() {
  const [search, change] = useUrl();
  const letter = (search.letter ?? 'open') as Letter;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [editing, setEditing] = useState(false);
  const [told, setTold] = useState('');
  const may = useMay()('workflow:letter:update') && letter === 'open';
  const client = useQueryClient();
  const workflow = search.workflow || undefined;
  const letters = usePages<Run>(['dead-letters', letter, workflow], ['runs'], (cursor) =>
    answer(api.GET('/api/v1/workflow-dead-letters', { params: { query: { limit: 50, letter, ...(workflow ? { workflow } : {}), ...(cursor ? { cursor } : {}) } } })),
  );
  const rows = letters.data ?? [];
  const picked = rows.filter((one) => chosen.has(one.id)); // what a filter hides isn't meant
  const settled = (found: { settled: number }) => {
    setTold(words.settled(count(found.settled)));
    setChosen(new Set());
    setEditing(false);
    return client.invalidateQueries({ predicate: (one) => ['dead-letters', 'workflow-runs'].includes(String(one.queryKey[0])) });
  };
  const dismiss = useMutation({ mutationFn: () => answer(api.POST('/api/v1/workflow-dead-letters/dismiss', { body: { ids: picked.map((one) => one.id), all: false } })), onSuccess: settled });
  const toggle = (id: string) => setChosen((had) => (had.has(id) ? new Set([...had].filter((one) => one !== id)) : new Set([...had, id])));
  const columns: Columns<Run> = [
    ...(may ? [{
      id: 'chosen',
      header: () => <Checkbox size="xs" aria-label={words.chooseAll} checked={rows.length > 0 && rows.every((one) => chosen.has(one.id))} onChange={(event) => setChosen(new Set(event.currentTarget.checked ? rows.map((one) => one.id) : []))} />,
      cell: ({ row }: { row: { original: Run } }) => <Checkbox size="xs" aria-label={words.choose(row.original.id)} checked={chosen.has(row.original.id)} onChange={() => toggle(row.original.id)} />,
    }] : []),
    { header: words.columns.workflow, cell: ({ row }) => <Link to={`/workflow-runs/${row.original.id}`} title={row.original.id}>{row.original.workflow || words.unnamed}</Link> },
    { header: words.columns.failed, cell: ({ row }) => row.original.failed_node },
    { header: words.columns.why, cell: ({ row }) => `${row.original.told}: ${row.original.message}` },
    { header: words.columns.begun, cell: ({ row }) => moment(row.original.created_at) },
  ];
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-end">
        <Group align="flex-end" gap="xs">
          <NativeSelect size="xs" label={words.letter.label} value={letter} data={(['open', 'redriven', 'dismissed'] as const).map((one) => ({ value: one, label: words.letter[one] }))} onChange={(event) => { setChosen(new Set()); change({ letter: event.currentTarget.value === 'open' ? undefined : event.currentTarget.value }); }} />
          <TextFilter name="workflow" label={words.columns.workflow} />
        </Group>
        {may && (
          <Group gap="xs">
            <Text size="sm" c="dimmed" role="status">{told || words.chosen(count(picked.length))}</Text>
            <Button variant="default" disabled={picked.length === 0} loading={dismiss.isPending} onClick={() => dismiss.mutate()}>{words.dismiss}</Button>
            <Button disabled={picked.length === 0} onClick={() => setEditing(true)}>{words.redrive}</Button>
          </Group>
        )}
      </Group>
      {dismiss.error && <Failure problem={dismiss.error} />}
      <Shown of={letters}>
        {(found) => <DataTable label={words.tabs.letters} columns={columns} rows={found} idOf={(run) => run.id} more={letters.more} empty={<Empty title={words.noLetters}>{words.noLettersHint}</Empty>} />}
      </Shown>
      {editing && <Redrive runs={picked} onClose={() => setEditing(false)} onSettled={settled} />}
    </Stack>
  );
}

function Redrive({ runs, onClose, onSettled }: { runs: Run[]; onClose: () => void; onSettled: (found: { settled: number }) => unknown }) {
  const [other, setOther] = useState(false);
  const [input, setInput] = useState<unknown>(runs[0]?.input ?? null);
  const again = useMutation({
    mutationFn: () => answer(api.POST('/api/v1/workflow-dead-letters/redrive', { body: { ids: runs.map((one) => one.id), ...(other ? { input } : {}) } as never })),
    onSuccess: onSettled,
  });
  return (
    <Modal opened onClose={onClose} title={words.redriveTitle(count(runs.length))} size="lg">
      <Stack>
        <Text size="sm">{words.redriveHint}</Text>
        <Checkbox label={words.otherInput} checked={other} onChange={(event) => setOther(event.currentTarget.checked)} />
        {other && <JsonField label={words.input} value={input} onChange={(next) => setInput(next ?? null)} />}
        {again.error && <Failure problem={again.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{common.cancel}</Button>
          <Button loading={again.isPending} onClick={() => again.mutate()}>{words.redrive}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
