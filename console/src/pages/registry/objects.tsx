import { Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { Actor } from '../../components/Actor';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Facts } from '../../components/Facts';
import { ChoiceFilter, Filters } from '../../components/Filters';
import { Inert, JsonView } from '../../components/Inert';
import { Empty, Shown } from '../../components/states';
import { ago } from '../../format';
import { server } from '../../place';
import { registry as words } from '../../strings/registry';
import { useUrl } from '../../url';
import { Acts } from './acts';

type Stored = components['schemas']['Object'];
export const REGISTRY = ['registry'] as const;
const call = `curl ${server}/api/v1/registry/objects/prompt/greeting/versions \\\n  -H "Authorization: Bearer $LEGATO_ADMIN_KEY" -H 'Content-Type: application/json' \\\n  -d '{"owner": "support", "labels": ["production"], "spec": {"route": "chat", "messages": [{"role": "user", "content": "Greet {{ name }}."}], "variables": {"name": {"type": "string"}}}}'`;
const labelsOf = (one: Stored) => Object.entries(one.labels).map(([label, version]) => `${label} → ${version}`).join(', ');
const idOf = (one: Stored) => `${one.kind}/${one.name}`;

const columns: Columns<Stored> = [
  { header: words.kind, accessorKey: 'kind' },
  { header: words.name, accessorKey: 'name' },
  { header: words.labels, id: 'labels', accessorFn: labelsOf },
  { header: words.versions, accessorKey: 'versions', meta: { right: true } },
  { header: words.owner, accessorKey: 'owner' },
  { header: words.made, id: 'made', accessorFn: (one) => ago(one.created_at) },
];

/** Everything that has versions. */
export function Objects() {
  const [search, change] = useUrl();
  const list = usePages([...REGISTRY, 'objects'], ['registry'], (cursor) => answer(api.GET('/api/v1/registry/objects', { params: { query: { limit: 200, ...(cursor ? { cursor } : {}) } } })));
  const rows = useMemo(() => (list.data ?? []).filter((one) => !search.kind || one.kind === search.kind), [list.data, search.kind]);
  const kinds = [...new Set((list.data ?? []).map((one) => one.kind))].sort();
  const chosen = list.data?.find((one) => idOf(one) === search.selected);
  return (
    <Stack>
      <Filters label={words.kind}><ChoiceFilter name="kind" label={words.kind} choices={[{ value: '', label: words.all }, ...kinds.map((kind) => ({ value: kind, label: kind }))]} /></Filters>
      <Shown of={list}>
        {() => <DataTable label={words.tabs.objects} columns={columns} rows={rows} idOf={idOf} selected={search.selected} onOpen={(one) => change({ selected: idOf(one), version: undefined }, true)} more={list.more} empty={<Empty title={words.empty} call={call}>{words.emptyHint}</Empty>} />}
      </Shown>
      <Details opened={chosen !== undefined} title={chosen && idOf(chosen)} onClose={() => change({ selected: undefined, version: undefined })} size={760}>
        {chosen && <One stored={chosen} />}
      </Details>
    </Stack>
  );
}

function One({ stored }: { stored: Stored }) {
  const [search, change] = useUrl();
  const { kind, name } = stored;
  const versions = usePages([...REGISTRY, 'versions', kind, name], ['registry'], (cursor) =>
    answer(api.GET('/api/v1/registry/objects/{kind}/{name}/versions', { params: { path: { kind: kind as never, name }, query: { limit: 50, ...(cursor ? { cursor } : {}) } } })),
  );
  const columns: Columns<components['schemas']['VersionHead']> = [
    { header: words.version, accessorKey: 'number', meta: { right: true } },
    { header: words.labels, id: 'labels', accessorFn: (one) => Object.entries(stored.labels).filter(([, version]) => version === one.number).map(([label]) => label).join(', ') },
    { header: words.why, accessorKey: 'reason' },
    { header: words.by, id: 'author', cell: ({ row }) => <Actor of={row.original.author} /> },
    { header: words.at, id: 'at', accessorFn: (one) => ago(one.created_at) },
  ];
  return (
    <>
      <Acts stored={stored} />
      <Facts of={[[words.labels, labelsOf(stored)], [words.owner, stored.owner], [words.escalation, stored.escalation], [words.description, stored.description]]} />
      <Shown of={versions}>
        {(rows) => <DataTable label={words.versions} columns={columns} rows={rows} idOf={(one) => String(one.number)} selected={search.version} onOpen={(one) => change({ version: String(one.number) })} more={versions.more} height={240} />}
      </Shown>
      {search.version ? <Version kind={kind} name={name} number={Number(search.version)} /> : null}
    </>
  );
}

function Version({ kind, name, number }: { kind: string; name: string; number: number }) {
  const path = { kind: kind as never, name, version: String(number) };
  const one = useQuery({ queryKey: [...REGISTRY, kind, name, number], queryFn: () => answer(api.GET('/api/v1/registry/objects/{kind}/{name}/versions/{version}', { params: { path } })) });
  const difference = useQuery({
    queryKey: [...REGISTRY, kind, name, number, 'difference'],
    queryFn: () => answer(api.GET('/api/v1/registry/objects/{kind}/{name}/versions/{version}/difference', { params: { path, query: { since: String(number - 1) } } })),
    enabled: number > 1,
  });
  return (
    <section aria-label={`${words.version} ${number}`}>
      <Title order={3} mb="xs">{words.version} {number}</Title>
      <Shown of={one}>{({ spec }) => <JsonView value={spec} label={words.spec} height={260} />}</Shown>
      <Title order={3} my="xs">{words.changes}</Title>
      {number === 1 ? <Text size="sm" c="dimmed">{words.first}</Text> : (
        <Shown of={difference}>{({ lines }) => (lines.length === 0 ? <Text size="sm" c="dimmed">{words.same}</Text> : <Inert label={words.since(number - 1)} text={lines.join('\n')} />)}</Shown>
      )}
    </section>
  );
}

