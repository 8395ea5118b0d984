import { Group, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import { Actor } from '../../components/Actor';
import { type Columns, DataTable } from '../../components/DataTable';
import { Empty, Shown } from '../../components/states';
import { count, moment } from '../../format';
import { runs as words } from '../../strings/workflow-runs';
import { useUrl } from '../../url';
import { type Run, STATUSES, Status, took } from './parts';

const TYPED_MS = 300;

const columns: Columns<Run> = [
  { header: words.columns.workflow, cell: ({ row }) => row.original.workflow || words.unnamed },
  { header: words.columns.status, cell: ({ row }) => <Status of={row.original.status} /> },
  { header: words.columns.begun, cell: ({ row }) => moment(row.original.created_at) },
  { header: words.columns.took, meta: { right: true }, cell: ({ row }) => took(row.original.created_at, row.original.ended_at) },
  { header: words.columns.steps, meta: { right: true }, cell: ({ row }) => count(row.original.steps) },
  { header: words.columns.origin, cell: ({ row }) => row.original.origin },
  { header: words.columns.author, cell: ({ row }) => <Actor of={row.original.author} /> },
  { header: words.columns.failed, cell: ({ row }) => (row.original.status === 'failed' ? `${row.original.failed_node} ${row.original.told}` : '') },
];

export function RunList() {
  const [search, change] = useUrl();
  const navigate = useNavigate();
  const { workflow, status } = search;
  const [typed, setTyped] = useState(workflow ?? '');
  const narrow = useDebouncedCallback((text: string) => change({ workflow: text || undefined }), TYPED_MS);
  const runs = usePages<Run>(['workflow-runs', workflow, status], ['runs'], (cursor) =>
    answer(api.GET('/api/v1/workflow-runs', { params: { query: { limit: 50, ...(cursor ? { cursor } : {}), ...(workflow ? { workflow } : {}), ...(status ? { status: status as 'done' } : {}) } } })),
  );
  return (
    <>
      <Group gap="sm" align="flex-end">
        <TextInput label={words.filter.workflow} value={typed} onChange={(event) => { setTyped(event.currentTarget.value); narrow(event.currentTarget.value); }} />
        <NativeSelect label={words.filter.status} value={status ?? ''} data={[{ value: '', label: words.filter.any }, ...STATUSES.map((one) => ({ value: one, label: words.status[one] ?? one }))]} onChange={(event) => change({ status: event.currentTarget.value || undefined })} />
      </Group>
      <Shown of={runs}>
        {(rows) => (
          <DataTable label={words.title} columns={columns} rows={rows} idOf={(run) => run.id} more={runs.more}
            onOpen={(run) => void navigate({ to: `/workflow-runs/${run.id}` })}
            empty={<Empty title={words.none} call={words.call}>{words.noneHint}</Empty>} />
        )}
      </Shown>
    </>
  );
}
