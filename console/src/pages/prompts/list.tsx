import { Button, Modal } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { type Columns, DataTable } from '../../components/DataTable';
import { Filters, TextFilter } from '../../components/Filters';
import { Page } from '../../components/Page';
import { Empty, Shown } from '../../components/states';
import { ago } from '../../format';
import { server } from '../../place';
import { common } from '../../strings/common';
import { prompts as words } from '../../strings/prompts';
import { useUrl } from '../../url';
import { Editor } from './editor';

type Stored = components['schemas']['Object'];
const said = words.columns;
const call = `curl ${server}/api/v1/registry/objects/prompt/greeting/versions \\\n  -H "Authorization: Bearer $LEGATO_ADMIN_KEY" -H 'Content-Type: application/json' \\\n  -d '{"labels": ["production"], "spec": {"route": "chat", "messages": [{"role": "user", "content": "Greet {{name}}."}], "variables": {"name": {"type": "string"}}}}'`;

const columns: Columns<Stored> = [
  { header: said.name, accessorKey: 'name' },
  { header: said.live, id: 'live', accessorFn: (one) => one.labels.production ?? common.none, meta: { right: true } },
  { header: said.versions, accessorKey: 'versions', meta: { right: true } },
  { header: said.labels, id: 'labels', accessorFn: (one) => Object.entries(one.labels).map(([label, version]) => `${label} → ${version}`).join(', ') },
  { header: said.owner, accessorKey: 'owner' },
  { header: said.made, id: 'made', accessorFn: (one) => ago(one.created_at) },
];

export function PromptList() {
  const may = useMay();
  const navigate = useNavigate();
  const [search] = useUrl();
  const [writing, setWriting] = useState(false);
  const list = usePages(['registry', 'objects'], ['registry'], (cursor) => answer(api.GET('/api/v1/registry/objects', { params: { query: { limit: 200, ...(cursor ? { cursor } : {}) } } })));
  const rows = useMemo(() => (list.data ?? []).filter((one) => one.kind === 'prompt' && one.name.includes(search.q ?? '')), [list.data, search.q]);
  const open = (name: string) => void navigate({ to: `/prompts/${name}` as never });
  return (
    <Page title={words.title} about={words.about} actions={may('registry:version:create') && <Button onClick={() => setWriting(true)}>{words.new}</Button>}>
      <Filters label={words.find}><TextFilter name="q" label={words.find} /></Filters>
      <Shown of={list}>{() => <DataTable label={words.list} columns={columns} rows={rows} idOf={(one) => one.name} onOpen={(one) => open(one.name)} more={list.more} empty={<Empty title={words.empty} call={call}>{words.emptyHint}</Empty>} />}</Shown>
      <Modal opened={writing} onClose={() => setWriting(false)} title={words.new} size="xl">
        <Editor name={null} spec={{ messages: [{ role: 'system', content: '' }, { role: 'user', content: '' }], route: '' }} onSaved={open} />
      </Modal>
    </Page>
  );
}
