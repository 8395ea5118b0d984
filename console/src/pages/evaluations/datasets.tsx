import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { type Columns, DataTable } from '../../components/DataTable';
import { Empty, Shown } from '../../components/states';
import { count } from '../../format';
import { evaluations } from '../../strings/evaluations';

type Stored = components['schemas']['Object'];
const words = evaluations.datasets;

const columns: Columns<Stored> = [
  { header: words.name, accessorKey: 'name' },
  { header: words.versions, id: 'versions', accessorFn: (one) => count(one.versions), meta: { right: true } },
  { header: words.labels, id: 'labels', accessorFn: (one) => Object.entries(one.labels).map(([label, version]) => `${label}: ${version}`).join(', ') },
  { header: words.description, accessorKey: 'description' },
  { header: words.open, id: 'open', cell: ({ row }) => <Anchor component={Link} to="/registry" search={{ selected: `dataset/${row.original.name}` } as never} size="sm" aria-label={`${words.open}: ${row.original.name}`}>{words.open}</Anchor> },
];

/** Data sets of the registry; their cases stay sealed there. */
export function Datasets() {
  const list = usePages(['registry', 'objects'], ['registry'], (cursor) => answer(api.GET('/api/v1/registry/objects', { params: { query: { limit: 200, ...(cursor ? { cursor } : {}) } } })));
  return <Shown of={list}>{(rows) => <DataTable label={evaluations.tabs.datasets} columns={columns} rows={rows.filter((one) => one.kind === 'dataset')} idOf={(one) => one.name} more={list.more} empty={<Empty title={words.empty} call={words.call}>{words.emptyHint}</Empty>} />}</Shown>;
}
