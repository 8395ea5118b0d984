import { Button, Group, NativeSelect, NumberInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { once, useRenew, useRenewList } from '../../api/acts';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import type { Ink } from '../../charts/Chart';
import { ChartCard } from '../../charts/ChartCard';
import { Actor } from '../../components/Actor';
import { ConfirmDanger } from '../../components/ConfirmDanger';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Facts, State } from '../../components/Facts';
import { type Fields, FormModal } from '../../components/FormModal';
import { Empty, Shown } from '../../components/states';
import { count, day, moment, percent } from '../../format';
import { exactly } from '../../money';
import { server } from '../../place';
import { alerts } from '../../strings/alerts';
import { useUrl } from '../../url';
import { Runbook } from './incidents';

type Objective = components['schemas']['Objective'];
type Standing = components['schemas']['ObjectiveStanding'];
const words = alerts.objectives;
const OBJECTIVES = ['objectives'] as const;
const call = `curl ${server}/api/v1/objectives -H "Authorization: Bearer $LEGATO_ADMIN_KEY" \\\n  -H 'Content-Type: application/json' -d '{"name": "answers", "measured": "errors", "target": "99.9", "route": "chat"}'`;
const limitOf = (one: Objective) => one.under_ms !== null ? words.under(`${count(one.under_ms)} ms`) : one.under_usd !== null ? words.under(exactly(one.under_usd)) : words.noError;
const whereOf = (one: Objective) => [one.route, one.team, one.feature].filter(Boolean).join(' / ') || words.all;

const columns: Columns<Objective> = [
  { header: words.name, accessorKey: 'name' },
  { header: words.measured, accessorKey: 'measured' },
  { header: words.target, id: 'target', accessorFn: (one) => `${one.target} %`, meta: { right: true } },
  { header: words.limit, id: 'limit', accessorFn: limitOf },
  { header: words.where, id: 'where', accessorFn: whereOf },
  { header: words.period, id: 'period', accessorFn: (one) => words.days(one.period_days) },
  { header: words.by, id: 'author', cell: ({ row }) => <Actor of={row.original.author} /> },
];

/** What share of requests is to go well, and what is left of the rest. */
export function Objectives() {
  const may = useMay();
  const renew = useRenew();
  const [search, change] = useUrl();
  const [making, setMaking] = useState(false);
  const list = useQuery({ queryKey: OBJECTIVES, queryFn: () => answer(api.GET('/api/v1/objectives')), meta: { topics: ['alerts'] } });
  const chosen = list.data?.data.find((one) => one.name === search.selected);
  return (
    <Stack>
      {may('control:objective:update') && <Group justify="flex-end"><Button onClick={() => setMaking(true)}>{words.new}</Button></Group>}
      <Shown of={list}>
        {({ data }) => <DataTable label={alerts.tabs.objectives} columns={columns} rows={data} idOf={(one) => one.name} selected={search.selected} onOpen={(one) => change({ selected: one.name }, true)} empty={<Empty title={words.empty} call={call}>{words.emptyHint}</Empty>} />}
      </Shown>
      <NewObjective opened={making} onClose={() => setMaking(false)} onDone={() => renew(OBJECTIVES)} />
      <Details opened={chosen !== undefined} title={chosen?.name} onClose={() => change({ selected: undefined })} size={680}>
        {chosen && <One objective={chosen} onGone={() => change({ selected: undefined })} />}
      </Details>
    </Stack>
  );
}

function NewObjective({ opened, onClose, onDone }: { opened: boolean; onClose: () => void; onDone: () => Promise<void> }) {
  const form = words.form;
  const [measured, setMeasured] = useState('errors');
  const make = async ({ name = '', target = '', under_ms, under_usd, route = '', team = '', feature = '', period_days, runbook = '' }: Fields) => {
    const body = {
      name, measured: measured as 'errors', target, route, team, feature, runbook, period_days: Number(period_days) || 30, events_min: 20,
      ...(measured === 'latency' ? { under_ms: Number(under_ms) } : {}), ...(measured === 'cost' ? { under_usd: under_usd ?? '' } : {}),
    };
    await answer(api.POST('/api/v1/objectives', { params: { header: once() }, body }));
    await onDone();
  };
  return (
    <FormModal opened={opened} onClose={onClose} title={words.new} action={words.create} onSubmit={make}>
      <TextInput name="name" label={form.name} required data-autofocus />
      <Group grow align="flex-end">
        <NativeSelect label={form.measured} data={Object.keys(words.kinds)} value={measured} onChange={(event) => setMeasured(event.currentTarget.value)} />
        <TextInput name="target" label={form.target} required inputMode="decimal" defaultValue="99.9" />
        {measured === 'latency' && <NumberInput name="under_ms" label={form.under_ms} required min={1} />}
        {measured === 'cost' && <TextInput name="under_usd" label={form.under_usd} required inputMode="decimal" />}
      </Group>
      <Group grow><TextInput name="route" label={form.route} /><TextInput name="team" label={form.team} /><TextInput name="feature" label={form.feature} /></Group>
      <NumberInput name="period_days" label={form.days} min={1} max={90} defaultValue={30} />
      <TextInput name="runbook" type="url" label={form.runbook} />
    </FormModal>
  );
}

function One({ objective, onGone }: { objective: Objective; onGone: () => void }) {
  const may = useMay();
  const renewList = useRenewList();
  const [removing, setRemoving] = useState(false);
  const path = { objective: objective.name };
  const standing = useQuery({ queryKey: [...OBJECTIVES, objective.name], queryFn: () => answer(api.GET('/api/v1/objectives/{objective}', { params: { path } })), meta: { topics: ['alerts', 'requests'] } });
  const remove = async () => {
    await answer(api.POST('/api/v1/objectives/{objective}/remove', { params: { path } }));
    onGone();
    await renewList(OBJECTIVES);
  };
  return (
    <>
      {may('control:objective:update') && <Group><Button size="xs" color="red.9" onClick={() => setRemoving(true)}>{words.remove}</Button></Group>}
      <Facts of={[[words.target, `${objective.target} %`], [words.limit, limitOf(objective)], [words.where, whereOf(objective)], [words.period, words.days(objective.period_days)], [words.runbook, <Runbook key="runbook" address={objective.runbook} />]]} />
      <Shown of={standing}>{(found) => <HowItStands found={found} />}</Shown>
      <ConfirmDanger opened={removing} onClose={() => setRemoving(false)} title={words.removeTitle(objective.name)} blastRadius={words.blast} name={objective.name} action={words.remove} onConfirm={remove} />
    </>
  );
}

function HowItStands({ found }: { found: Standing }) {
  const rates = Object.entries(found.burn_rates).map(([window, rate]): [string, string] => [words.rateOf(window), rate.toFixed(2)]);
  return (
    <>
      <Facts of={[[words.left, <State key="left" tone={found.budget_left > 0.25 ? 'good' : found.budget_left > 0 ? 'warn' : 'bad'}>{percent(found.budget_left)}</State>], [words.events, count(found.events)], [words.bad, count(found.bad)]]} />
      <Title order={3}>{words.rates}</Title>
      <Facts of={rates} />
      <Text size="sm" c="dimmed">{words.rateHint}</Text>
      {found.days.length > 0 && <Days found={found} />}
      <Title order={3}>{words.alerts}</Title>
      {found.alerts.length === 0 ? <Text size="sm" c="dimmed">{words.noAlerts}</Text> : (
        <Facts of={found.alerts.map((one) => [moment(one.opened_at), <span key={one.id}><State tone={one.closed_at ? 'plain' : 'bad'}>{one.closed_at ? words.over : words.burning}</State> {words.rateOf(one.window)}: {one.burn_rate.toFixed(1)} · {count(one.bad)} / {count(one.events)}</span>])} />
      )}
    </>
  );
}

function Days({ found }: { found: Standing }) {
  const option = useCallback(
    (ink: Ink) => ({
      grid: { left: 8, right: 16, top: 32, bottom: 8, containLabel: true },
      legend: { top: 0, left: 0, textStyle: { color: ink.text } },
      xAxis: { type: 'category' as const, data: found.days.map((one) => day(one.day)), axisLabel: { color: ink.text } },
      yAxis: { type: 'value' as const, minInterval: 1, splitLine: { lineStyle: { color: ink.line } }, axisLabel: { color: ink.text } },
      series: [
        { name: words.good, type: 'bar' as const, stack: 'all', barMaxWidth: 40, data: found.days.map((one) => one.events - one.bad), itemStyle: { color: ink.mark(0).colour } },
        { name: words.bad, type: 'bar' as const, stack: 'all', barMaxWidth: 40, data: found.days.map((one) => one.bad), itemStyle: { color: ink.mark(1).colour, decal: { symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [2, 3], rotation: 0.7 } } },
      ],
    }),
    [found],
  );
  const table = { columns: [words.day, words.events, words.bad], rows: found.days.map((one) => [day(one.day), count(one.events), count(one.bad)]) };
  return <ChartCard title={words.chart} label={words.chartLabel(count(found.bad), count(found.events))} option={option} table={table} height={180} />;
}
