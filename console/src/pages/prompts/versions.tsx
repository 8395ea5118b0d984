import { NativeSelect, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { Actor } from '../../components/Actor';
import { type Columns, DataTable } from '../../components/DataTable';
import { Inert } from '../../components/Inert';
import { Panel } from '../../components/Page';
import { Shown } from '../../components/states';
import { ago } from '../../format';
import { prompts } from '../../strings/prompts';
import { useUrl } from '../../url';
import { numbersOf } from './prompt';

type Schemas = components['schemas'];
const words = prompts.compare;

/** Every version, and what one changes since any other. */
export function Versions({ stored, number }: { stored: Schemas['Object']; number: number }) {
  const [search, change] = useUrl();
  const path = { kind: 'prompt', name: stored.name };
  const list = usePages(['registry', 'versions', 'prompt', stored.name], ['registry'], (cursor) =>
    answer(api.GET('/api/v1/registry/objects/{kind}/{name}/versions', { params: { path, query: { limit: 50, ...(cursor ? { cursor } : {}) } } })),
  );
  const others = numbersOf(stored).filter((one) => one.value !== String(number));
  const since = others.find((one) => one.value === search.since)?.value ?? others.find((one) => Number(one.value) < number)?.value ?? others[0]?.value;
  const difference = useQuery({
    queryKey: ['registry', 'prompt', stored.name, number, 'since', since],
    queryFn: () => answer(api.GET('/api/v1/registry/objects/{kind}/{name}/versions/{version}/difference', { params: { path: { ...path, version: String(number) }, query: { since: since ?? '' } } })),
    enabled: since !== undefined,
  });
  const columns: Columns<Schemas['VersionHead']> = [
    { header: prompts.version, accessorKey: 'number', meta: { right: true } },
    { header: prompts.columns.labels, id: 'labels', accessorFn: (one) => Object.entries(stored.labels).filter(([, version]) => version === one.number).map(([label]) => label).join(', ') },
    { header: words.why, accessorKey: 'reason' },
    { header: words.by, id: 'by', cell: ({ row }) => <Actor of={row.original.author} /> },
    { header: words.when, id: 'when', accessorFn: (one) => ago(one.created_at) },
  ];
  return (
    <Panel title={prompts.tabs.versions}>
      <Stack>
        <Shown of={list}>{(rows) => <DataTable label={prompts.tabs.versions} columns={columns} rows={rows} idOf={(one) => String(one.number)} selected={String(number)} onOpen={(one) => change({ version: String(one.number) })} more={list.more} height={260} />}</Shown>
        {since !== undefined && (
          <>
            <NativeSelect w={280} label={words.with} value={since} onChange={(event) => change({ since: event.currentTarget.value })} data={others} />
            <Title order={3}>{words.changes(Number(since), number)}</Title>
            <Shown of={difference}>{({ lines }) => (lines.length === 0 ? <Text size="sm" c="dimmed">{words.same}</Text> : <Inert text={lines.join('\n')} label={words.changes(Number(since), number)} />)}</Shown>
          </>
        )}
      </Stack>
    </Panel>
  );
}
