import { Button, Group, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { ConfirmDanger } from '../../components/ConfirmDanger';
import { type Columns as TableColumns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Columns, Facts } from '../../components/Facts';
import { Filters, TextFilter } from '../../components/Filters';
import { FormModal } from '../../components/FormModal';
import { Inert } from '../../components/Inert';
import { Money } from '../../components/Money';
import { Figure, Page } from '../../components/Page';
import { Empty, Shown } from '../../components/states';
import { ago, count, moment, percent } from '../../format';
import { cache as words } from '../../strings/cache';
import { useUrl } from '../../url';
import { WhatIf } from './what-if';

type Entry = components['schemas']['CacheEntry'];
const said = words.columns;
const CACHE = ['cache'] as const;

const columns: TableColumns<Entry> = [
  { header: said.question, accessorKey: 'question' },
  { header: said.route, accessorKey: 'route' },
  { header: said.team, accessorKey: 'team' },
  { header: said.deployment, accessorKey: 'deployment' },
  { header: said.hits, id: 'hits', accessorFn: (one) => count(one.hits), meta: { right: true } },
  { header: said.saved, id: 'saved', cell: ({ row }) => <Money usd={row.original.saved_usd} />, meta: { right: true } },
  { header: said.wrong, id: 'wrong', accessorFn: (one) => count(one.wrong), meta: { right: true } },
  { header: said.expires, id: 'expires', accessorFn: (one) => ago(one.expires_at) },
];

interface Purging {
  what: { all: true } | { entry: string } | { route: string };
  name: string;
  told: string;
}

export default function Cache() {
  const may = useMay();
  const renew = useRenew();
  const [search, change] = useUrl();
  const [purging, setPurging] = useState<Purging | null>(null);
  const [marking, setMarking] = useState(false);
  const [told, setTold] = useState('');
  const given = Object.fromEntries(['route', 'tag'].flatMap((name) => (search[name] ? [[name, search[name]]] : [])));
  const list = usePages([...CACHE, given], ['requests'], (cursor) => answer(api.GET('/api/v1/cache/entries', { params: { query: { limit: 50, ...given, ...(cursor ? { cursor } : {}) } } })));
  const chosen = list.data?.find((one) => one.id === search.selected);
  const mayChange = may('control:cache:update');
  const whole: Purging = search.route ? { what: { route: search.route }, name: search.route, told: words.purgeOf.route(search.route) } : { what: { all: true }, name: words.purgeAll, told: words.purgeOf.all };
  const mark = async ({ request_id = '' }: Record<string, string>) => {
    await answer(api.POST('/api/v1/cache/wrong', { params: { header: once() }, body: { request_id } }));
    setTold(words.marked);
    await renew(CACHE);
  };
  const acts = mayChange && (
    <>
      <Button variant="default" onClick={() => setMarking(true)}>{words.mark}</Button>
      <Button color="red.9" onClick={() => setPurging(whole)}>{words.purge}</Button>
    </>
  );
  return (
    <Page title={words.title} about={words.about} actions={acts}>
      {may('control:ledger:read') && <Rates />}
      <Group justify="space-between" align="flex-end">
        <Filters label={words.filters}><TextFilter name="route" label={words.route} /><TextFilter name="tag" label={words.tag} /></Filters>
        <Text size="sm" c="dimmed" role="status">{told}</Text>
      </Group>
      <Shown of={list}>
        {(rows) => <DataTable label={words.entries} columns={columns} rows={rows} idOf={(one) => one.id} selected={search.selected} onOpen={(one) => change({ selected: one.id }, true)} more={list.more} empty={<Empty title={words.empty} call={words.call}>{words.emptyHint}</Empty>} />}
      </Shown>
      <WhatIf route={search.route} />
      <Details opened={chosen !== undefined} title={words.title} onClose={() => change({ selected: undefined })}>
        {chosen && <One entry={chosen} onPurge={mayChange ? () => setPurging({ what: { entry: chosen.id }, name: chosen.id, told: words.purgeOf.entry }) : null} />}
      </Details>
      <FormModal opened={marking} onClose={() => setMarking(false)} title={words.mark} about={words.markAbout} action={words.mark} onSubmit={mark}>
        <TextInput name="request_id" label={words.request} required data-autofocus />
      </FormModal>
      <ConfirmDanger
        opened={purging !== null}
        onClose={() => setPurging(null)}
        title={words.purgeTitle}
        blastRadius={words.purgeBlast(purging?.told ?? '')}
        name={purging?.name ?? ''}
        action={words.purge}
        onConfirm={async () => {
          if (!purging) return;
          const { purged } = await answer(api.POST('/api/v1/cache/purge', { params: { header: once() }, body: { all: false, ...purging.what } }));
          setTold(words.purged(count(purged)));
          change({ selected: undefined });
          await renew(CACHE);
        }}
      />
    </Page>
  );
}

function Rates() {
  return <Columns least="14rem"><Rate id="cache-hit-rate" name={words.rate} /><Wrong /></Columns>;
}

/** Over the whole life of the bounds: what samples checked, and what people called wrong. */
function Wrong() {
  const found = useQuery({ queryKey: [...CACHE, 'bounds'], queryFn: () => answer(api.GET('/api/v1/cache/bounds')), meta: { topics: ['requests'] } });
  return (
    <Shown of={found}>
      {({ data }) => {
        const sum = (name: 'checked' | 'wrong' | 'hits') => data.reduce((all, one) => all + one[name], 0);
        const checked = sum('checked');
        const hint = checked ? words.ofChecked(count(sum('wrong')), count(checked), count(sum('hits'))) : words.noneChecked;
        return <Figure name={words.wrong} hint={hint}>{checked ? percent(sum('wrong') / checked) : words.untold}</Figure>;
      }}
    </Shown>
  );
}

function Rate({ id, name }: { id: string; name: string }) {
  const found = useQuery({ queryKey: ['insights', id, '30d'], queryFn: () => answer(api.GET('/api/v1/insights/{insight_id}', { params: { path: { insight_id: id }, query: { period: '30d' } } })), meta: { topics: ['requests'] } });
  return (
    <Shown of={found}>
      {({ about, rows }) => {
        const row = rows[0];
        const known = row?.value !== null && row?.value !== undefined;
        const hint = <>{known ? `${words.of(count(row.numerator), count(row.denominator))}, ${words.last30}` : (row?.needs ?? '')}<br />{about.definition}</>;
        return <Figure name={name} hint={hint}>{known ? percent(row.value ?? 0) : words.untold}</Figure>;
      }}
    </Shown>
  );
}

function One({ entry, onPurge }: { entry: Entry; onPurge: (() => void) | null }) {
  return (
    <>
      {onPurge && <Group><Button size="xs" color="red.9" onClick={onPurge}>{words.purge}</Button></Group>}
      <Inert text={entry.question} label={said.question} height={160} />
      <Facts of={[[said.route, entry.route], [said.team, entry.team], [said.deployment, entry.deployment], [said.hits, count(entry.hits)], [said.saved, <Money key="saved" usd={entry.saved_usd} />], [said.wrong, count(entry.wrong)], [words.tag, entry.tags.join(', ')], [said.created, moment(entry.created_at)], [said.expires, moment(entry.expires_at)]]} />
    </>
  );
}
