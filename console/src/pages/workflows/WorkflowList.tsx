import { Badge, Button, Group, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { type Columns, DataTable } from '../../components/DataTable';
import { Page } from '../../components/Page';
import { Empty, Shown } from '../../components/states';
import { count, moment } from '../../format';
import { workflows as words } from '../../strings/workflows';
import { NewWorkflow } from './NewWorkflow';
import { nanoDollars } from './cost';

type Workflow = components['schemas']['Workflow'];

const GOING = ['queued', 'enqueued', 'running', 'paused'];
const several = (runs: Workflow['runs'], states: string[]) => (runs ? count(states.reduce((sum, one) => sum + (runs[one] ?? 0), 0)) : '');

const columns: Columns<Workflow> = [
  { header: words.columns.name, cell: ({ row }) => <Text span inherit fw={600}>{row.original.name}</Text> },
  { header: words.columns.versions, meta: { right: true }, cell: ({ row }) => count(row.original.versions) },
  { header: words.columns.labels, cell: ({ row }) => <Group gap={4} wrap="nowrap">{Object.entries(row.original.labels).map(([label, number]) => <Badge key={label} variant="outline" color="gray" c="var(--mantine-color-text)" tt="none">{`${label} → ${number}`}</Badge>)}</Group> },
  { header: words.columns.going, meta: { right: true }, cell: ({ row }) => several(row.original.runs, GOING) },
  { header: words.columns.waiting, meta: { right: true }, cell: ({ row }) => several(row.original.runs, ['waiting']) },
  { header: words.columns.failed, meta: { right: true }, cell: ({ row }) => several(row.original.runs, ['failed']) },
  { header: words.columns.done, meta: { right: true }, cell: ({ row }) => several(row.original.runs, ['done']) },
  { header: words.columns.cost, meta: { right: true }, cell: ({ row }) => (row.original.expected_nano_usd ? nanoDollars(row.original.expected_nano_usd.likely) : words.unknownCost) },
  { header: words.columns.made, cell: ({ row }) => moment(row.original.created_at) },
];

export function WorkflowList() {
  const [making, setMaking] = useState(false);
  const may = useMay()('registry:version:create');
  const navigate = useNavigate();
  const found = usePages<Workflow>(['workflows'], ['registry', 'runs'], (cursor) => answer(api.GET('/api/v1/workflows', { params: { query: { limit: 50, ...(cursor ? { cursor } : {}) } } })));
  const create = may && <Button onClick={() => setMaking(true)}>{words.create}</Button>;
  return (
    <Page title={words.title} about={words.about} actions={create}>
      <Shown of={found}>
        {(rows) => (
          <DataTable label={words.title} columns={columns} rows={rows} idOf={(one) => one.name} more={found.more} onOpen={(one) => void navigate({ to: `/workflows/${one.name}` })}
            empty={<Empty title={words.none} call={words.call}>{words.noneHint}</Empty>} />
        )}
      </Shown>
      {making && <NewWorkflow onClose={() => setMaking(false)} />}
    </Page>
  );
}
