import { Button, Group, Stack, Text, TextInput, Textarea, Title } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { useMay } from '../../api/session';
import { Facts, State } from '../../components/Facts';
import { JsonView } from '../../components/Inert';
import { Failure, Snippet } from '../../components/states';
import { count, duration, moment } from '../../format';
import { server } from '../../place';
import { triggers as words } from '../../strings/triggers';
import { type Trigger, nameOf, standing } from './list';

/** One trigger: how it stands, and what may be done with it. */
export function One({ of }: { of: Trigger }) {
  const may = useMay();
  const [word, tone] = standing(of);
  return (
    <>
      <Facts
        of={[
          [words.facts.state, <State key="state" tone={tone}>{word}</State>],
          [words.facts.kind, of.kind],
          [words.facts.trouble, of.trouble],
          [words.facts.lag, of.lag_s === null ? '' : duration(of.lag_s * 1_000_000)],
          [words.facts.duplicates, count(of.counts.duplicates)],
          [words.facts.passed, count(of.counts.passed_over)],
          [words.facts.next, of.next_at.slice(0, 3).map((at) => moment(at)).join(', ')],
        ]}
      />
      {of.path !== '' && <Snippet code={server + of.path} />}
      {may('workflow:run:update') && of.in_force && <Pausing of={of} />}
      {of.in_force && <JsonView value={of.settings} label={words.settings} height={180} />}
      {of.in_force && <Trial of={of} />}
      {of.in_force && of.kind === 'schedule' && may('workflow:run:create') && <MakingUp of={of} />}
    </>
  );
}

function Pausing({ of }: { of: Trigger }) {
  const renew = useRenew();
  const path = { workflow: of.workflow, trigger: of.trigger };
  const move = useMutation({
    mutationFn: (pause: boolean) =>
      answer(
        pause
          ? api.POST('/api/v1/triggers/{workflow}/{trigger}/pause', { params: { path, header: once() } })
          : api.POST('/api/v1/triggers/{workflow}/{trigger}/resume', { params: { path, header: once() } }),
      ),
    onSuccess: () => renew(['triggers']),
  });
  return (
    <Stack gap="xs">
      <Group gap="xs">
        <Button size="xs" variant="default" loading={move.isPending} onClick={() => move.mutate(!of.paused)}>{of.paused ? words.resume : words.pause}</Button>
        <Text size="sm" role="status">{move.isSuccess ? (move.variables ? words.paused(nameOf(of)) : words.resumed(nameOf(of))) : ''}</Text>
      </Group>
      {move.error && <Failure problem={move.error} />}
    </Stack>
  );
}

/** Returns what a text of JSON says, and whether it is any. */
export function parsed(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}

function Trial({ of }: { of: Trigger }) {
  const [text, setText] = useState('{}');
  const read = parsed(text);
  const trial = useMutation({
    mutationFn: (data: unknown) => answer(api.POST('/api/v1/triggers/{workflow}/{trigger}/test', { params: { path: { workflow: of.workflow, trigger: of.trigger } }, body: { data } as never })),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (read) trial.mutate(read.value);
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <Title order={3}>{words.trial.title}</Title>
        <Text size="sm" c="dimmed">{words.trial.about}</Text>
        <Textarea label={words.trial.data} value={text} onChange={(event) => setText(event.currentTarget.value)} autosize minRows={2} maxRows={10} spellCheck={false} error={read === null ? words.trial.notJson : undefined} styles={{ input: { fontFamily: 'monospace' } }} />
        <Button type="submit" size="xs" variant="default" w="fit-content" disabled={read === null} loading={trial.isPending}>{words.trial.act}</Button>
        {trial.error && <Failure problem={trial.error} />}
        {trial.data && (trial.data.begins ? <div><Text size="sm">{words.trial.begins}</Text><JsonView value={trial.data.input} label={words.trial.begins} height={180} /></div> : <Text size="sm" role="status">{words.trial.none}</Text>)}
      </Stack>
    </form>
  );
}

const instant = (local: string) => new Date(local).toISOString();

function MakingUp({ of }: { of: Trigger }) {
  const renew = useRenew();
  const begin = useMutation({
    mutationFn: (span: { since: string; until: string }) => answer(api.POST('/api/v1/triggers/{workflow}/{trigger}/backfill', { params: { path: { workflow: of.workflow, trigger: of.trigger }, header: once() }, body: span })),
    onSuccess: () => renew(['triggers'], ['trigger-letters']),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    begin.mutate({ since: instant(String(fields.get('since'))), until: instant(String(fields.get('until'))) });
  };
  const told = begin.data;
  return (
    <form onSubmit={submit}>
      <Stack gap="xs">
        <Title order={3}>{words.backfill.title}</Title>
        <Text size="sm" c="dimmed">{words.backfill.about}</Text>
        <Group align="flex-end" gap="xs">
          <TextInput type="datetime-local" name="since" label={words.backfill.since} required />
          <TextInput type="datetime-local" name="until" label={words.backfill.until} required />
          <Button type="submit" size="sm" variant="default" loading={begin.isPending}>{words.backfill.act}</Button>
        </Group>
        <Text size="sm" role="status">{told ? words.backfill.done(count(told.started), count(told.duplicate), count(told.dead)) : ''}</Text>
        {told?.next_since && <Text size="sm">{words.backfill.more(moment(told.next_since))}</Text>}
        {begin.error && <Failure problem={begin.error} />}
      </Stack>
    </form>
  );
}
