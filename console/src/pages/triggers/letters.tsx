import { Anchor, Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Facts } from '../../components/Facts';
import { ChoiceFilter, Filters, TextFilter } from '../../components/Filters';
import { Inert } from '../../components/Inert';
import { Empty, Failure, Shown } from '../../components/states';
import { ago, moment } from '../../format';
import { triggers } from '../../strings/triggers';
import { useUrl } from '../../url';
import { parsed } from './one';

type Letter = components['schemas']['TriggerLetter'];
type Opened = components['schemas']['TriggerLetterDetail'];
const words = triggers.letters;
const STATES = ['open', 'redriven', 'dismissed'] as const;

const columns: Columns<Letter> = [
  { header: words.columns.at, id: 'at', accessorFn: (one) => ago(one.at) },
  { header: words.columns.trigger, id: 'trigger', accessorFn: (one) => `${one.workflow}/${one.trigger}` },
  { header: words.columns.reason, accessorKey: 'reason' },
  { header: words.columns.state, id: 'state', accessorFn: (one) => words.states[one.state] ?? one.state },
];

/** What triggers heard and could not begin a run with. */
export function Letters() {
  const [search, change] = useUrl();
  const letter = STATES.find((one) => one === search.letter) ?? 'open';
  const workflow = search.workflow ?? '';
  const list = usePages(['trigger-letters', letter, workflow], ['runs'], (cursor) =>
    answer(api.GET('/api/v1/trigger-letters', { params: { query: { limit: 50, letter, workflow, ...(cursor ? { cursor } : {}) } } })),
  );
  return (
    <Stack>
      <Filters label={words.filter}>
        <ChoiceFilter name="letter" label={words.columns.state} choices={STATES.map((one) => ({ value: one === 'open' ? '' : one, label: words.states[one] ?? one }))} />
        <TextFilter name="workflow" label={words.workflow} />
      </Filters>
      <Shown of={list}>
        {(rows) => <DataTable label={triggers.tabs.letters} columns={columns} rows={rows} idOf={(one) => one.id} selected={search.selected} onOpen={(one) => change({ selected: one.id }, true)} more={list.more} empty={<Empty title={words.empty}>{words.emptyHint}</Empty>} />}
      </Shown>
      <Details opened={search.selected !== undefined} title={words.one} onClose={() => change({ selected: undefined })} size={640}>
        {search.selected && <One id={search.selected} key={search.selected} />}
      </Details>
    </Stack>
  );
}

function One({ id }: { id: string }) {
  const letter = useQuery({ queryKey: ['trigger-letter', id], queryFn: () => answer(api.GET('/api/v1/trigger-letters/{letter_id}', { params: { path: { letter_id: id } } })) });
  return <Shown of={letter}>{(found) => <Heard of={found} />}</Shown>;
}

function Heard({ of }: { of: Opened }) {
  const may = useMay()('workflow:letter:update');
  return (
    <>
      <Facts
        of={[
          [words.columns.at, moment(of.at)],
          [words.columns.trigger, `${of.workflow}/${of.trigger}`],
          [words.columns.reason, of.reason],
          [words.columns.state, words.states[of.state] ?? of.state],
          [words.ended, of.ended_at === null ? '' : moment(of.ended_at)],
          [words.run, of.run_id === '' ? '' : <Anchor key="run" component={Link} to={`/workflow-runs/${of.run_id}`} size="sm">{of.run_id}</Anchor>],
        ]}
      />
      {of.message !== '' && <Inert text={of.message} label={words.message} height={120} />}
      {of.raw !== '' && <Inert text={of.raw} label={words.raw} height={180} />}
      {of.state === 'open' && may && <Deciding of={of} />}
    </>
  );
}

function Deciding({ of }: { of: Opened }) {
  const renew = useRenew();
  const [text, setText] = useState(of.event === null ? '' : JSON.stringify(of.event, null, 2));
  const read = text.trim() === '' ? { value: null } : parsed(text);
  const params = { path: { letter_id: of.id } };
  const decide = useMutation({
    mutationFn: (again: boolean) =>
      answer(
        again
          ? api.POST('/api/v1/trigger-letters/{letter_id}/redrive', { params: { ...params, header: once() }, body: { event: (read?.value ?? null) as never } })
          : api.POST('/api/v1/trigger-letters/{letter_id}/dismiss', { params: { ...params, header: once() } }),
      ),
    onSuccess: () => renew(['trigger-letters'], ['trigger-letter', of.id], ['triggers']),
  });
  return (
    <Stack gap="xs">
      <Textarea label={words.event} description={words.hint} value={text} onChange={(event) => setText(event.currentTarget.value)} autosize minRows={4} maxRows={16} spellCheck={false} error={read === null ? words.notJson : undefined} styles={{ input: { fontFamily: 'monospace' } }} />
      <Group gap="xs">
        <Button size="xs" disabled={read === null} loading={decide.isPending && decide.variables} onClick={() => decide.mutate(true)}>{words.redrive}</Button>
        <Button size="xs" variant="default" loading={decide.isPending && !decide.variables} onClick={() => decide.mutate(false)}>{words.dismiss}</Button>
      </Group>
      {decide.error && <Failure problem={decide.error} />}
      <Text className="only-spoken" role="status">{decide.isSuccess ? words.ended : ''}</Text>
    </Stack>
  );
}
