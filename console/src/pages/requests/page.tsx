import { Button, Group, Text, Tooltip } from '@mantine/core';
import { useMemo } from 'react';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import { type Columns, DataTable } from '../../components/DataTable';
import { Money } from '../../components/Money';
import { FIRST_CALL } from '../../components/NoCalls';
import { Page } from '../../components/Page';
import { TimeRange } from '../../components/TimeRange';
import { Empty, Shown } from '../../components/states';
import { ago, count, duration, moment } from '../../format';
import { useRange } from '../../range';
import { common } from '../../strings/common';
import { requests as words } from '../../strings/requests';
import { useUrl } from '../../url';
import { Detail } from './detail';
import { FILTERS, Filters } from './filters';
import type { RequestRow } from './shape';
import { SavedViews } from './saved';
import { Status } from './status';

const PAGE = 100;

export default function Requests() {
  const [search, change] = useUrl();
  const { since, until } = useRange();
  const filters = useMemo(
    () => Object.fromEntries(FILTERS.filter((name) => search[name]).map((name) => [name, search[name]])),
    [search],
  );
  const list = usePages<RequestRow>(['requests', since, until, filters], ['requests'], (cursor) =>
    answer(api.GET('/api/v1/requests', { params: { query: { since, until: until ?? null, cursor, limit: PAGE, ...filters } } })),
  );
  return (
    <Page title={words.title} about={words.about} actions={<><SavedViews /><TimeRange /></>}>
      <Filters />
      {search.against && (
        <Group gap="xs" role="status">
          <Text size="sm">{words.compare.waiting(search.against)}</Text>
          <Button size="compact-xs" variant="default" onClick={() => change({ against: undefined })}>{words.compare.stop}</Button>
        </Group>
      )}
      <Shown of={list}>
        {(rows) => (
          <DataTable
            label={words.table}
            columns={COLUMNS}
            rows={rows}
            idOf={(row) => row.request_id}
            onOpen={(row) => change({ request: row.request_id }, true)}
            selected={search.request}
            more={list.more}
            empty={list.more.has ? undefined : <Empty title={words.empty} call={FIRST_CALL}>{words.emptyHint}</Empty>}
          />
        )}
      </Shown>
      <Detail id={search.request} onClose={() => change({ request: undefined, tab: undefined })} />
    </Page>
  );
}

const tokensOf = (row: RequestRow) => Object.values(row.tokens as Record<string, number>).reduce((sum, one) => sum + one, 0);

const COLUMNS: Columns<RequestRow> = [
  {
    id: 'at', header: words.columns.at,
    cell: ({ row: { original } }) => <Tooltip label={moment(original.at)}><time dateTime={original.at}>{ago(original.at, 'narrow')}</time></Tooltip>,
  },
  { id: 'who', header: words.columns.who, cell: ({ row: { original } }) => `${original.team} / ${original.feature}` },
  { id: 'model', header: words.columns.model, cell: ({ row: { original } }) => original.model_requested },
  { id: 'deployment', header: words.columns.deployment, cell: ({ row: { original } }) => original.deployment || <Text span inherit c="dimmed">{words.nobody}</Text> },
  { id: 'status', header: words.columns.status, cell: ({ row: { original } }) => <Status row={original} /> },
  { id: 'cache', header: words.columns.cache, cell: ({ row: { original } }) => original.cache },
  { id: 'guard', header: words.columns.guard, cell: ({ row: { original } }) => original.guard || common.none },
  { id: 'tokens', header: words.columns.tokens, meta: { right: true }, cell: ({ row: { original } }) => count(tokensOf(original)) },
  { id: 'cost', header: words.columns.cost, meta: { right: true }, cell: ({ row: { original } }) => <Money usd={original.cost_usd} /> },
  { id: 'saved', header: words.columns.saved, meta: { right: true }, cell: ({ row: { original } }) => (original.saved_usd === null ? common.none : <Money usd={original.saved_usd} />) },
  { id: 'time', header: words.columns.time, meta: { right: true }, cell: ({ row: { original } }) => duration(original.total_us) },
];
