import { Anchor, Button, Group, NativeSelect, Stack, TextInput, Textarea } from '@mantine/core';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { useNames } from '../../api/names';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Facts, State, type Tone } from '../../components/Facts';
import { ChoiceFilter, Filters } from '../../components/Filters';
import { type Fields, FormModal } from '../../components/FormModal';
import { Empty, Shown } from '../../components/states';
import { ago, duration, moment } from '../../format';
import { server } from '../../place';
import { alerts } from '../../strings/alerts';
import { useUrl } from '../../url';

type Incident = components['schemas']['Incident'];
type Cause = '' | 'integration' | 'model' | 'data';
const words = alerts.incidents;
const INCIDENTS = ['incidents'] as const;
const SEVERITY: Record<string, Tone> = { critical: 'bad', warning: 'warn' };
const STATE: Record<string, Tone> = { open: 'bad', acknowledged: 'warn', resolved: 'good' };
const call = `curl ${server}/api/v1/incidents -H "Authorization: Bearer $LEGATO_ADMIN_KEY" \\\n  -H 'Content-Type: application/json' -d '{"title": "Answers about invoices are wrong", "severity": "critical", "team": "support"}'`;
const causes = Object.entries(words.causes).map(([value, label]) => ({ value, label }));
const took = (seconds: number) => duration(seconds * 1_000_000);
const whereOf = (one: Incident) => [one.org, one.team, one.feature].filter((part) => part && part !== '*').join(' / ') || words.instance;

const columns: Columns<Incident> = [
  { header: words.state, id: 'state', cell: ({ row }) => <State tone={STATE[row.original.state] ?? 'plain'}>{words.states[row.original.state] ?? row.original.state}</State> },
  { header: words.severity, id: 'severity', cell: ({ row }) => <State tone={SEVERITY[row.original.severity] ?? 'plain'}>{row.original.severity}</State> },
  { header: words.title, accessorKey: 'title' },
  { header: words.where, id: 'where', accessorFn: whereOf },
  { header: words.source, id: 'source', accessorFn: (one) => [one.source, one.subject].filter(Boolean).join(' ') },
  { header: words.opened, id: 'opened', accessorFn: (one) => ago(one.opened_at) },
  { header: words.took, id: 'took', accessorFn: (one) => (one.resolved_s === null ? '' : took(one.resolved_s)), meta: { right: true } },
];

/** What somebody has to deal with, from open to acknowledged to resolved. */
export function Incidents() {
  const may = useMay();
  const renew = useRenew();
  const [search, change] = useUrl();
  const [opening, setOpening] = useState(false);
  const state = search.state || undefined;
  const list = usePages([...INCIDENTS, state], ['incidents'], (cursor) => answer(api.GET('/api/v1/incidents', { params: { query: { limit: 50, ...(cursor ? { cursor } : {}), ...(state ? { state: state as never } : {}) } } })));
  const chosen = list.data?.find((one) => one.id === search.selected);
  const states = [{ value: '', label: words.all }, ...Object.entries(words.states).map(([value, label]) => ({ value, label }))];
  const open = async ({ title = '', severity = 'warning', team = '', feature = '', cause = '', runbook = '', note = '' }: Fields) => {
    const body = { title, severity: severity as 'warning', team, feature, cause: cause as Cause, runbook, note };
    await answer(api.POST('/api/v1/incidents', { params: { header: once() }, body }));
    await renew(INCIDENTS);
  };
  return (
    <Stack>
      <Group justify="space-between" align="flex-end">
        <Filters label={words.state}><ChoiceFilter name="state" label={words.state} choices={states} /></Filters>
        {may('control:incident:update') && <Button onClick={() => setOpening(true)}>{words.new}</Button>}
      </Group>
      <Shown of={list}>
        {(rows) => <DataTable label={alerts.tabs.incidents} columns={columns} rows={rows} idOf={(one) => one.id} selected={search.selected} onOpen={(one) => change({ selected: one.id }, true)} more={list.more} empty={<Empty title={words.empty} call={call}>{words.emptyHint}</Empty>} />}
      </Shown>
      <FormModal opened={opening} onClose={() => setOpening(false)} title={words.new} action={words.openIt} onSubmit={open}>
        <TextInput name="title" label={words.title} required data-autofocus />
        <NativeSelect name="severity" label={words.severity} data={words.severities} defaultValue="warning" />
        <Group grow><TextInput name="team" label={words.team} /><TextInput name="feature" label={words.feature} /></Group>
        <NativeSelect name="cause" label={words.cause} data={causes} />
        <TextInput name="runbook" label={words.runbook} type="url" />
        <Textarea name="note" label={words.note} autosize minRows={2} />
      </FormModal>
      <Details opened={chosen !== undefined} title={chosen?.title} onClose={() => change({ selected: undefined })}>
        {chosen && <One incident={chosen} />}
      </Details>
    </Stack>
  );
}

function One({ incident }: { incident: Incident }) {
  const names = useNames();
  const by = (who: string | null, after: number | null) => (who === null || after === null ? null : words.by(names(who), took(after)));
  return (
    <>
      <Acts incident={incident} />
      <Facts
        of={[
          [words.state, <State key="state" tone={STATE[incident.state] ?? 'plain'}>{words.states[incident.state] ?? incident.state}</State>],
          [words.severity, <State key="severity" tone={SEVERITY[incident.severity] ?? 'plain'}>{incident.severity}</State>],
          [words.where, whereOf(incident)], [words.source, [incident.source, incident.subject].filter(Boolean).join(' ')], [words.cause, incident.cause || words.unknown], [words.runbook, <Runbook key="runbook" address={incident.runbook} />],
          [words.began, moment(incident.began_at)], [words.opened, moment(incident.opened_at)], [words.detected, took(incident.detected_s)],
          [words.acknowledged, by(incident.acknowledged_by, incident.acknowledged_s)], [words.resolved, incident.resolved_s === null ? null : by(incident.resolved_by ?? incident.source, incident.resolved_s)], [words.note, incident.note], [words.id, incident.id],
        ]}
      />
    </>
  );
}

/** A link only where it is an address of the web; anything else is shown as the text it is. */
export function Runbook({ address }: { address: string }) {
  if (!address) return <>{words.noRunbook}</>;
  if (!/^https?:\/\//.test(address)) return <>{address}</>;
  return <Anchor inherit underline="always" href={address} target="_blank" rel="noreferrer noopener">{address}</Anchor>;
}

function Acts({ incident }: { incident: Incident }) {
  const may = useMay();
  const renew = useRenew();
  const [open, setOpen] = useState<'acknowledge' | 'resolve' | null>(null);
  if (!may('control:incident:update') || incident.state === 'resolved') return null;
  const path = { incident_id: incident.id };
  const acknowledge = async ({ cause = '' }: Fields) => {
    await answer(api.POST('/api/v1/incidents/{incident_id}/acknowledge', { params: { path }, body: { cause: cause as Cause } }));
    await renew(INCIDENTS);
  };
  const resolve = async ({ cause = '', note = '' }: Fields) => {
    await answer(api.POST('/api/v1/incidents/{incident_id}/resolve', { params: { path }, body: { cause: cause as Cause, note } }));
    await renew(INCIDENTS);
  };
  const which = <NativeSelect name="cause" label={words.cause} data={causes} defaultValue={incident.cause} />;
  return (
    <Group gap="xs">
      {incident.state === 'open' && <Button size="xs" variant="default" onClick={() => setOpen('acknowledge')}>{words.acknowledge}</Button>}
      <Button size="xs" onClick={() => setOpen('resolve')}>{words.resolve}</Button>
      <FormModal opened={open === 'acknowledge'} onClose={() => setOpen(null)} title={`${words.acknowledge}: ${incident.title}`} action={words.acknowledge} onSubmit={acknowledge}>{which}</FormModal>
      <FormModal opened={open === 'resolve'} onClose={() => setOpen(null)} title={`${words.resolve}: ${incident.title}`} action={words.resolve} onSubmit={resolve}>
        {which}
        <Textarea name="note" label={words.note} autosize minRows={2} />
      </FormModal>
    </Group>
  );
}
