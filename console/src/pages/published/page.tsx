import { Anchor, Button, Group } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { ConfirmDanger } from '../../components/ConfirmDanger';
import { type Columns, DataTable } from '../../components/DataTable';
import { Page } from '../../components/Page';
import { Empty, Shown } from '../../components/states';
import { ago } from '../../format';
import { published as words } from '../../strings/published';
import { Change } from './Change';
import { Publish } from './Publish';

type Published = components['schemas']['Page'];
const PAGES = ['workflow-pages'] as const;

/** Which workflows are pages, for whom, and what is charged for them. */
export default function PublishedPages() {
  const may = useMay();
  const renew = useRenew();
  const [publishing, setPublishing] = useState(false);
  const [changing, setChanging] = useState<Published | null>(null);
  const [ending, setEnding] = useState<Published | null>(null);
  const pages = usePages<Published>(PAGES, [], (cursor) => answer(api.GET('/api/v1/workflow-pages', { params: { query: { limit: 100, ...(cursor ? { cursor } : {}) } } })));
  const columns: Columns<Published> = [
    { header: words.columns.name, id: 'name', cell: ({ row: { original: one } }) => <Anchor component={Link} to={`/p/${one.name}`} search={{ org: one.org } as never}>{one.title || one.name}</Anchor> },
    { header: words.columns.kind, id: 'kind', accessorFn: (one) => words.kind[one.kind] ?? one.kind },
    { header: words.columns.workflow, accessorKey: 'workflow' },
    { header: words.columns.feature, id: 'feature', accessorFn: (one) => `${one.team} / ${one.feature}` },
    { header: words.columns.for, id: 'for', accessorFn: ({ audience }) => [...(audience.roles ?? []), ...(audience.teams ?? []), ...(audience.accounts ?? [])].join(', ') || words.everybody },
    { header: words.columns.since, id: 'since', accessorFn: (one) => ago(one.created_at) },
    {
      header: words.columns.acts, id: 'acts',
      cell: ({ row: { original: one } }) => (
        <Group gap="xs" wrap="nowrap">
          {may('control:key:read') && <Anchor component={Link} to="/keys" search={{ selected: one.key_id } as never} size="sm">{words.key}</Anchor>}
          {may('workflow:page:create') && <Button size="compact-xs" variant="default" aria-label={words.changeOne(one.name)} onClick={() => setChanging(one)}>{words.change}</Button>}
          {may('workflow:page:revoke') && <Button size="compact-xs" variant="default" onClick={() => setEnding(one)}>{words.revoke}</Button>}
        </Group>
      ),
    },
  ];
  const revoke = async () => {
    await answer(api.POST('/api/v1/workflow-pages/{page_id}/revoke', { params: { path: { page_id: ending?.id ?? '' }, header: once() } }));
    await renew(PAGES);
  };
  return (
    <Page title={words.title} about={words.about} actions={may('workflow:page:create') && <Button onClick={() => setPublishing(true)}>{words.publish}</Button>}>
      <Shown of={pages}>
        {(rows) => <DataTable label={words.title} columns={columns} rows={rows} idOf={(one) => one.id} more={pages.more} empty={<Empty title={words.none} call={words.call}>{words.noneHint}</Empty>} />}
      </Shown>
      {publishing && <Publish onClose={() => setPublishing(false)} onDone={() => renew(PAGES)} />}
      {changing && <Change of={changing} onClose={() => setChanging(null)} onDone={() => renew(PAGES)} />}
      <ConfirmDanger opened={ending !== null} onClose={() => setEnding(null)} title={words.revokeTitle(ending?.name ?? '')} blastRadius={words.revokeBlast} name={ending?.name ?? ''} action={words.revoke} onConfirm={revoke} />
    </Page>
  );
}
