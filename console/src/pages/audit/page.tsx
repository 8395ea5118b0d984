import { Button, Group } from '@mantine/core';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { download } from '../../api/download';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { Actor } from '../../components/Actor';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Facts, State } from '../../components/Facts';
import { Filters, TextFilter } from '../../components/Filters';
import { JsonView } from '../../components/Inert';
import { Page } from '../../components/Page';
import { Empty, Failure, Shown } from '../../components/states';
import { moment } from '../../format';
import { server } from '../../place';
import { audit as words } from '../../strings/audit';
import { useUrl } from '../../url';
import { ProofOf } from './proof';

type Event = components['schemas']['AuditEvent'];
const said = words.columns;
const call = `curl ${server}/api/v1/organisations -H "Authorization: Bearer $LEGATO_ADMIN_KEY" \\\n  -H 'Content-Type: application/json' -d '{"name": "another"}'`;
const named = (one: Record<string, string>) => [one.kind, one.name || one.id].filter(Boolean).join(' ');

const Outcome = ({ of }: { of: string }) => <State tone={of === 'done' || of === 'granted' ? 'good' : 'bad'}>{of}</State>;

const columns: Columns<Event> = [
  { header: said.index, accessorKey: 'index', meta: { right: true } },
  { header: said.at, id: 'at', accessorFn: (one) => moment(one.at) },
  { header: said.actor, id: 'actor', cell: ({ row }) => <Actor of={named(row.original.actor)} /> },
  { header: said.action, accessorKey: 'action' },
  { header: said.subject, id: 'subject', cell: ({ row }) => <Actor of={named(row.original.subject)} /> },
  { header: said.outcome, id: 'outcome', cell: ({ row }) => <Outcome of={row.original.outcome} /> },
  { header: said.reason, accessorKey: 'reason' },
];

/** A day as typed, or a whole moment, as the control API reads it. */
const momentOf = (text: string | undefined) => (text && /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text);

export default function Audit() {
  const [search, change] = useUrl();
  const [problem, setProblem] = useState<unknown>(null);
  const wanted = { action: search.action, org: search.org, since: momentOf(search.since), until: momentOf(search.until) };
  const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value));
  const list = usePages(['audit', given], ['audit'], (cursor) => answer(api.GET('/api/v1/audit/events', { params: { query: { limit: 100, ...given, ...(cursor ? { cursor } : {}) } } })));
  const chosen = list.data?.find((one) => String(one.index) === search.selected);
  const keep = () => download('/api/v1/audit/export', 'legato-audit.jsonl').then(() => setProblem(null), setProblem);
  return (
    <Page title={words.title} about={words.about} actions={<Button variant="default" onClick={() => void keep()}>{words.exportAll}</Button>}>
      {problem !== null && <Failure problem={problem} />}
      <Group align="flex-end">
        <Filters label={words.filters.label}>
          <TextFilter name="action" label={words.filters.action} placeholder="key.create" />
          <TextFilter name="org" label={words.filters.org} />
          <TextFilter name="since" label={words.filters.since} placeholder="2026-11-01" />
          <TextFilter name="until" label={words.filters.until} placeholder="2026-12-01" />
        </Filters>
      </Group>
      <Shown of={list}>
        {(rows) => <DataTable label={words.title} columns={columns} rows={rows} idOf={(one) => String(one.index)} selected={search.selected} onOpen={(one) => change({ selected: String(one.index) }, true)} more={list.more} empty={<Empty title={words.empty} call={call}>{words.emptyHint}</Empty>} />}
      </Shown>
      <Details opened={chosen !== undefined} title={chosen && `${said.index} ${chosen.index}: ${chosen.action}`} onClose={() => change({ selected: undefined })} size={640}>
        {chosen && <One event={chosen} />}
      </Details>
    </Page>
  );
}

function One({ event }: { event: Event }) {
  return (
    <>
      <Facts
        of={[
          [said.at, moment(event.at)], [said.actor, <Actor key="actor" of={named(event.actor)} />], [said.subject, named(event.subject)], [said.outcome, <Outcome key="outcome" of={event.outcome} />],
          [words.facts.reason, event.reason], [words.facts.org, event.org], [words.facts.request, event.request_id],
        ]}
      />
      {Object.keys(event.details).length > 0 && <JsonView value={event.details} label={words.facts.details} height={200} />}
      <ProofOf key={event.index} event={event} />
    </>
  );
}
