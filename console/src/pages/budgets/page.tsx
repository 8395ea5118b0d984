import { Button } from '@mantine/core';
import { useState } from 'react';
import { useRenew, useRenewList } from '../../api/acts';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import { useMay } from '../../api/session';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Page } from '../../components/Page';
import { Empty, Shown } from '../../components/states';
import { ago } from '../../format';
import { server } from '../../place';
import { budgets as words } from '../../strings/budgets';
import { useUrl } from '../../url';
import { type Budget, limitOf, whoseOf } from './figures';
import { BudgetForm } from './form';
import { OneBudget } from './one';

export const BUDGETS = ['budgets'] as const;
const said = words.columns;
const call = `curl ${server}/api/v1/budgets -H "Authorization: Bearer $LEGATO_ADMIN_KEY" \\\n  -H 'Content-Type: application/json' -d '{"name": "platform", "org": "default", "where": {"team": "platform"}, "usd": "500", "window": "month"}'`;

const columns: Columns<Budget> = [
  { header: said.name, accessorKey: 'name' },
  { header: said.whose, id: 'whose', accessorFn: whoseOf },
  { header: said.limit, id: 'limit', accessorFn: limitOf, meta: { right: true } },
  { header: said.window, accessorKey: 'window' },
  { header: said.hard, id: 'hard', accessorFn: (one) => (one.hard ? words.hard : words.soft) },
  { header: said.source, accessorKey: 'source' },
  { header: said.changed, id: 'changed', accessorFn: (one) => ago(one.changed_at) },
];

export default function Budgets() {
  const may = useMay();
  const renew = useRenew();
  const renewList = useRenewList();
  const [search, change] = useUrl();
  const [making, setMaking] = useState(false);
  const list = usePages(BUDGETS, ['budgets'], (cursor) => answer(api.GET('/api/v1/budgets', { params: { query: { limit: 100, ...(cursor ? { cursor } : {}) } } })));
  const chosen = list.data?.find((one) => one.id === search.selected);
  const gone = async () => {
    change({ selected: undefined });
    await renewList(BUDGETS);
  };
  return (
    <Page title={words.title} about={words.about} actions={may('control:budget:create') && <Button onClick={() => setMaking(true)}>{words.new}</Button>}>
      <Shown of={list}>
        {(rows) => (
          <DataTable label={words.title} columns={columns} rows={rows} idOf={(one) => one.id} selected={search.selected} onOpen={(one) => change({ selected: one.id }, true)} more={list.more} empty={<Empty title={words.empty} call={call}>{words.emptyHint}</Empty>} />
        )}
      </Shown>
      <BudgetForm opened={making} onClose={() => setMaking(false)} onDone={() => renew(BUDGETS)} />
      <Details opened={chosen !== undefined} title={chosen?.name} onClose={() => change({ selected: undefined })} size={680}>
        {chosen && <OneBudget budget={chosen} onDone={() => renew(BUDGETS)} onGone={gone} />}
      </Details>
    </Page>
  );
}
