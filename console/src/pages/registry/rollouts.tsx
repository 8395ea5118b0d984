import { Button, Group, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { Actor } from '../../components/Actor';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Facts, State, type Tone } from '../../components/Facts';
import { FormModal } from '../../components/FormModal';
import { JsonView } from '../../components/Inert';
import { Empty, Shown } from '../../components/states';
import { ago, moment, percent } from '../../format';
import { registry } from '../../strings/registry';
import { useUrl } from '../../url';

type Rollout = components['schemas']['Rollout'];
type Command = 'pause' | 'resume' | 'promote' | 'abort';
const words = registry.rollout;
const ROLLOUTS = ['registry', 'rollouts'] as const;
const BASIS_POINTS = 10_000;
const DIGITS = 12;
const TONES: Record<string, Tone> = { running: 'warn', promoted: 'good', rolled_back: 'bad', proposed: 'warn', aborted: 'bad' };
const COMMANDS: Record<string, Command[]> = { waiting: ['abort'], running: ['pause', 'promote', 'abort'], paused: ['resume', 'promote', 'abort'], proposed: ['promote', 'abort'] };
const Phase = ({ phase }: { phase: string }) => <State tone={TONES[phase] ?? 'plain'}>{phase.replaceAll('_', ' ')}</State>;

const columns: Columns<Rollout> = [
  { header: words.phase, id: 'phase', cell: ({ row }) => <Phase phase={row.original.phase} /> },
  { header: words.what, id: 'what', accessorFn: (one) => `${one.kind} ${one.name}@${one.label}` },
  { header: words.mode, accessorKey: 'mode' },
  { header: words.shareNow, id: 'share', accessorFn: (one) => percent(one.share_bp / BASIS_POINTS), meta: { right: true } },
  { header: words.told, accessorKey: 'told' },
  { header: words.started, id: 'started', accessorFn: (one) => ago(one.started_at) },
];

/** Versions on their way to everybody. */
export function Rollouts() {
  const [search, change] = useUrl();
  const list = usePages(ROLLOUTS, ['registry'], (cursor) => answer(api.GET('/api/v1/registry/rollouts', { params: { query: { limit: 50, ...(cursor ? { cursor } : {}) } } })));
  return (
    <>
      <Shown of={list}>
        {(rows) => <DataTable label={registry.tabs.rollouts} columns={columns} rows={rows} idOf={(one) => one.id} selected={search.selected} onOpen={(one) => change({ selected: one.id }, true)} more={list.more} empty={<Empty title={words.empty} call={words.call}>{words.emptyHint}</Empty>} />}
      </Shown>
      <Details opened={search.selected !== undefined} title={registry.tabs.rollouts} onClose={() => change({ selected: undefined })} size={680}>
        {search.selected && <One id={search.selected} />}
      </Details>
    </>
  );
}

function One({ id }: { id: string }) {
  const found = useQuery({ queryKey: [...ROLLOUTS, id], queryFn: () => answer(api.GET('/api/v1/registry/rollouts/{rollout_id}', { params: { path: { rollout_id: id } } })), meta: { topics: ['registry', 'requests'] } });
  return (
    <Shown of={found}>
      {({ rollout, events }) => (
        <>
          <Steering rollout={rollout} />
          <Facts
            of={[
              [words.phase, <Phase key="phase" phase={rollout.phase} />], [words.what, `${rollout.kind} ${rollout.name}@${rollout.label}`], [words.mode, rollout.mode], [words.champion, rollout.champion.slice(0, DIGITS)], [words.candidate, rollout.candidate.slice(0, DIGITS)],
              [words.step, rollout.step], [words.shareNow, percent(rollout.share_bp / BASIS_POINTS)], [words.arms, rollout.arms.map((arm) => `${arm.name} (${arm.version.slice(0, DIGITS)}): ${percent(arm.share_bp / BASIS_POINTS)}`).join(', ')],
              [words.told, rollout.told], [words.started, moment(rollout.started_at)], [words.ended, rollout.ended_at && moment(rollout.ended_at)],
            ]}
          />
          <Title order={3}>{words.plan}</Title>
          <JsonView value={rollout.plan} label={words.plan} height={160} />
          <Title order={3}>{words.events}</Title>
          {events.length === 0 && <Text size="sm" c="dimmed">{words.none}</Text>}
          {events.map((one) => (
            <section key={`${one.at} ${one.action}`} aria-label={one.action}>
              <Facts of={[[moment(one.at), <Actor key="what" of={`${one.action} · ${one.actor}${one.reason ? ` · ${one.reason}` : ''}`} />]]} />
              {one.evidence.length > 0 && <JsonView value={one.evidence} label={`${words.evidence}: ${moment(one.at)}`} height={160} />}
            </section>
          ))}
        </>
      )}
    </Shown>
  );
}

function Steering({ rollout }: { rollout: Rollout }) {
  const may = useMay();
  const renew = useRenew();
  const [command, setCommand] = useState<Command | null>(null);
  if (!may('registry:label:move')) return null;
  const steer = async ({ reason = '' }: Record<string, string>) => {
    await answer(api.POST('/api/v1/registry/rollouts/{rollout_id}/steer', { params: { path: { rollout_id: rollout.id }, header: once() }, body: { command: command ?? 'pause', reason, arm: '' } }));
    await renew(['registry']);
  };
  return (
    <Group gap="xs">
      {(COMMANDS[rollout.phase] ?? []).map((one) => <Button key={one} size="xs" {...(one === 'abort' ? { color: 'red.9' } : { variant: 'default' })} onClick={() => setCommand(one)}>{words[one]}</Button>)}
      <FormModal opened={command !== null} onClose={() => setCommand(null)} title={command ? words.steer(words[command], rollout.name) : ''} action={command ? words[command] : ''} onSubmit={steer}>
        <TextInput name="reason" label={registry.reason} data-autofocus />
      </FormModal>
    </Group>
  );
}
