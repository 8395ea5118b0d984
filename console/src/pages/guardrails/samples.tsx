import { Button, Group, Stack, Text, Textarea, Title } from '@mantine/core';
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
import { Facts, State } from '../../components/Facts';
import { ChoiceFilter, Filters, TextFilter } from '../../components/Filters';
import { FormModal } from '../../components/FormModal';
import { Inert } from '../../components/Inert';
import { Empty, Shown } from '../../components/states';
import { ago, moment, percent } from '../../format';
import { guardrails } from '../../strings/guardrails';
import { useUrl } from '../../url';

type Sample = components['schemas']['GuardSample'];
type StateOf = Sample['state'];
const words = guardrails.samples;
const SAMPLES = ['guard-samples'] as const;

const Judged = ({ state }: { state: StateOf }) => <State tone={state === 'confirmed' ? 'good' : state === 'rejected' ? 'bad' : 'warn'}>{words.states[state]}</State>;

const columns: Columns<Sample> = [
  { header: words.at, id: 'at', accessorFn: (one) => ago(one.at) },
  { header: words.state, id: 'state', cell: ({ row }) => <Judged state={row.original.state} /> },
  { header: words.policy, accessorKey: 'policy' },
  { header: words.rule, accessorKey: 'rule' },
  { header: words.label, accessorKey: 'label' },
  { header: words.where, accessorKey: 'where' },
  { header: words.score, id: 'score', accessorFn: (one) => percent(one.score, 0), meta: { right: true } },
];

/** Finds that nothing was done about, for people to say whether they are right. */
export function Samples() {
  const [search, change] = useUrl();
  const state = (search.state || undefined) as StateOf | undefined;
  const list = usePages([...SAMPLES, search.state, search.policy], ['requests'], (cursor) =>
    answer(api.GET('/api/v1/guardrails/samples', { params: { query: { limit: 50, ...(cursor ? { cursor } : {}), ...(state ? { state } : {}), ...(search.policy ? { policy: search.policy } : {}) } } })),
  );
  const states = [{ value: '', label: words.all }, ...Object.entries(words.states).map(([value, label]) => ({ value, label }))];
  return (
    <Stack>
      <Filters label={guardrails.tabs.samples}>
        <ChoiceFilter name="state" label={words.state} choices={states} />
        <TextFilter name="policy" label={words.policy} />
      </Filters>
      <Shown of={list}>
        {(rows) => (
          <DataTable label={guardrails.tabs.samples} columns={columns} rows={rows} idOf={(one) => one.id} selected={search.selected} onOpen={(one) => change({ selected: one.id }, true)} more={list.more} empty={<Empty title={words.empty} call={words.call}>{words.emptyHint}</Empty>} />
        )}
      </Shown>
      <Details opened={search.selected !== undefined} title={guardrails.tabs.samples} onClose={() => change({ selected: undefined })}>
        {search.selected && <One id={search.selected} />}
      </Details>
    </Stack>
  );
}

function One({ id }: { id: string }) {
  const found = useQuery({ queryKey: [...SAMPLES, 'one', id], queryFn: () => answer(api.GET('/api/v1/guardrails/samples/{sample_id}', { params: { path: { sample_id: id } } })) });
  return (
    <Shown of={found}>
      {({ sample, judgements }) => (
        <>
          <Judging id={id} />
          <Facts
            of={[
              [words.state, <Judged key="state" state={sample.state} />], [words.policy, sample.policy], [words.rule, `${sample.rule} (${sample.action}, ${sample.mode})`], [words.label, sample.label], [words.detector, sample.detector],
              [words.score, percent(sample.score, 0)], [words.where, `${sample.where}, ${sample.place} ${sample.start}–${sample.end}`], [words.at, moment(sample.at)], [words.request, sample.request_id],
            ]}
          />
          {sample.excerpt ? <Inert label={words.excerpt} text={`${sample.excerpt[0] ?? ''}⟦${sample.excerpt[1] ?? ''}⟧${sample.excerpt[2] ?? ''}`} /> : <Text size="sm" c="dimmed">{words.noExcerpt}</Text>}
          <Title order={3}>{words.judged}</Title>
          {judgements.length === 0 ? <Text size="sm" c="dimmed">{words.notJudged}</Text> : <Facts of={judgements.map((one) => [moment(one.at), <Actor key={one.at} of={`${words.states[one.state] ?? one.state} · ${one.actor}${one.reason ? ` · ${one.reason}` : ''}`} />])} />}
        </>
      )}
    </Shown>
  );
}

function Judging({ id }: { id: string }) {
  const may = useMay();
  const renew = useRenew();
  const [saying, setSaying] = useState<'confirm' | 'reject' | null>(null);
  if (!may('guardrails:sample:judge')) return null;
  const say = async ({ reason = '' }: Record<string, string>) => {
    const path = { sample_id: id, command: saying ?? 'confirm' };
    await answer(api.POST('/api/v1/guardrails/samples/{sample_id}/{command}', { params: { path, header: once() }, body: { reason } }));
    await renew(SAMPLES, ['guardrails']);
  };
  return (
    <Group gap="xs">
      <Button size="xs" variant="default" onClick={() => setSaying('confirm')}>{words.confirm}</Button>
      <Button size="xs" variant="default" onClick={() => setSaying('reject')}>{words.reject}</Button>
      <FormModal opened={saying !== null} onClose={() => setSaying(null)} title={saying === 'reject' ? words.rejectTitle : words.confirmTitle} action={saying === 'reject' ? words.reject : words.confirm} onSubmit={say}>
        <Textarea name="reason" label={words.reason} description={words.reasonHint} autosize minRows={2} data-autofocus />
      </FormModal>
    </Group>
  );
}
