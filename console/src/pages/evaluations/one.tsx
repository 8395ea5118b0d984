import { Anchor, Button, Checkbox, Group, Stack, Table, Text, Title } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { Actor } from '../../components/Actor';
import { Facts, State, type Tone } from '../../components/Facts';
import { Inert } from '../../components/Inert';
import { Money } from '../../components/Money';
import { Failure, Shown } from '../../components/states';
import { count, duration, moment } from '../../format';
import { evaluations as words } from '../../strings/evaluations';
import { type Evaluation, TONES } from './runs';
import { type Verdict, verdictOf } from './verdict';

type Grid = components['schemas']['ShownGrid'];
type Answered = components['schemas']['ShownAnswer'];
const VERDICTS: Record<Verdict, Tone> = { worse: 'bad', better: 'good', same: 'plain' };
const score = (value: number | null | undefined) => (value === null || value === undefined ? '–' : (Math.round(value * 1_000) / 1_000).toString());

/** One evaluation: what came of it, in figures and answers. */
export function One({ id }: { id: string }) {
  const path = { evaluation_id: id };
  const found = useQuery({ queryKey: ['evaluation', id], queryFn: () => answer(api.GET('/api/v1/evaluations/{evaluation_id}', { params: { path } })), meta: { topics: ['evaluations'] } });
  const grid = useQuery({ queryKey: ['evaluation-grid', id], queryFn: () => answer(api.GET('/api/v1/evaluations/{evaluation_id}/grid', { params: { path } })), meta: { topics: ['evaluations'] } });
  return (
    <>
      <Shown of={found}>{(one) => <Told of={one} />}</Shown>
      <Title order={3}>{words.grid.title}</Title>
      <Shown of={grid}>{(rows) => <><Scores of={rows} /><Differences of={rows} /></>}</Shown>
      <Answers id={id} />
    </>
  );
}

function Told({ of }: { of: Evaluation }) {
  const may = useMay()('evaluation:run:update');
  const renew = useRenew();
  const path = { evaluation_id: of.id };
  const move = useMutation({
    mutationFn: (on: boolean) =>
      answer(
        on
          ? api.POST('/api/v1/evaluations/{evaluation_id}/resume', { params: { path, header: once() }, body: {} })
          : api.POST('/api/v1/evaluations/{evaluation_id}/cancel', { params: { path, header: once() } }),
      ),
    onSuccess: () => renew(['evaluation', of.id], ['evaluations']),
  });
  const runs = of.status === 'waiting' || of.status === 'running';
  return (
    <>
      <Group gap="sm">
        <Title order={3}>{of.name}</Title>
        <State tone={TONES[of.status] ?? 'plain'}>{of.status}</State>
        {may && runs && <Button size="compact-sm" variant="default" loading={move.isPending} onClick={() => move.mutate(false)}>{words.cancel}</Button>}
        {may && (of.status === 'cancelled' || of.status === 'capped') && <Button size="compact-sm" variant="default" loading={move.isPending} onClick={() => move.mutate(true)}>{words.resume}</Button>}
      </Group>
      {move.error && <Failure problem={move.error} />}
      <Facts
        of={[
          [words.facts.told, of.told],
          [words.facts.dataset, of.dataset],
          [words.facts.split, of.split],
          [words.facts.scorers, of.scorers.join(', ')],
          [words.facts.answers, `${count(of.done)} / ${count(of.answers)}`],
          [words.facts.repetitions, count(of.repetitions)],
          [words.facts.cost, <Money key="cost" usd={of.cost_usd} />],
          [words.facts.cap, of.cost_max_usd === null ? '' : <Money key="cap" usd={of.cost_max_usd} />],
          [words.facts.regress, score(of.regress_max)],
          [words.facts.author, <Actor key="author" of={of.author} />],
          [words.facts.started, moment(of.created_at)],
          [words.facts.ended, of.ended_at === null ? '' : moment(of.ended_at)],
        ]}
      />
    </>
  );
}

function Lines({ label, heads, children }: { label: string; heads: string[]; children: ReactNode }) {
  return (
    <Table.ScrollContainer minWidth={420} scrollAreaProps={{ viewportProps: { tabIndex: 0, role: 'region', 'aria-label': label } }}>
      <Table aria-label={label}>
        <Table.Thead><Table.Tr>{heads.map((name) => <Table.Th key={name} scope="col">{name}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>{children}</Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Scores({ of }: { of: Grid }) {
  const scorers = [...new Set(of.cells.flatMap((cell) => cell.ratings.map((one) => one.scorer)))];
  return (
    <Stack gap={4}>
      <Text size="sm" c="dimmed">{words.grid.hint}</Text>
      <Lines label={words.grid.title} heads={[words.grid.subject, ...scorers, words.grid.answers, words.grid.cost, words.grid.p95]}>
        {of.cells.map((cell) => (
          <Table.Tr key={cell.subject}>
            <Table.Th scope="row">{cell.subject}</Table.Th>
            {scorers.map((name) => {
              const one = cell.ratings.find((each) => each.scorer === name);
              return (
                <Table.Td key={name}>
                  <Text size="sm" fw={600}>{score(one?.mean)}</Text>
                  {one && <Text size="xs" c="dimmed">{one.cases > 0 ? `${words.grid.between(score(one.low), score(one.high))} · ${words.grid.cases(count(one.cases))}` : words.grid.unjudged}</Text>}
                </Table.Td>
              );
            })}
            <Table.Td>{count(cell.answers)}</Table.Td>
            <Table.Td><Money usd={cell.cost_usd} /></Table.Td>
            <Table.Td>{cell.latency_ms_p95 === null ? '' : duration(cell.latency_ms_p95 * 1_000)}</Table.Td>
          </Table.Tr>
        ))}
      </Lines>
    </Stack>
  );
}

function Differences({ of }: { of: Grid }) {
  const said = words.differences;
  return (
    <Stack gap={4}>
      <Title order={3}>{said.title}</Title>
      {of.differences.length === 0 ? (
        <Text size="sm" c="dimmed">{said.none}</Text>
      ) : (
        <Lines label={said.title} heads={[said.subject, said.baseline, said.scorer, said.difference, said.verdict]}>
          {of.differences.map((one) => (
            <Table.Tr key={`${one.subject}/${one.scorer}`}>
              <Table.Th scope="row">{one.subject}</Table.Th><Table.Td>{one.baseline}</Table.Td><Table.Td>{one.scorer}</Table.Td>
              <Table.Td>{score(one.difference)} ({words.grid.between(score(one.low), score(one.high))})</Table.Td>
              <Table.Td><State tone={VERDICTS[verdictOf(one)]}>{said[verdictOf(one)]}</State></Table.Td>
            </Table.Tr>
          ))}
        </Lines>
      )}
    </Stack>
  );
}

function Answers({ id }: { id: string }) {
  const said = words.answers;
  const [amiss, setAmiss] = useState(false);
  const list = usePages(['evaluation-answers', id, amiss], ['evaluations'], (cursor) =>
    answer(api.GET('/api/v1/evaluations/{evaluation_id}/answers', { params: { path: { evaluation_id: id }, query: { limit: 20, amiss, ...(cursor ? { cursor } : {}) } } })),
  );
  return (
    <Stack gap="xs">
      <Group justify="space-between">
        <Title order={3}>{said.title}</Title>
        <Checkbox label={said.amiss} checked={amiss} onChange={(event) => setAmiss(event.currentTarget.checked)} />
      </Group>
      <Shown of={list}>
        {(rows) => (rows.length === 0 ? <Text size="sm" c="dimmed">{amiss ? said.none_amiss : said.none}</Text> : <>{rows.map((one) => <Answer key={`${one.case}/${one.subject}/${one.repetition}`} of={one} />)}</>)}
      </Shown>
      {list.more.has && <Button variant="default" size="xs" w="fit-content" loading={list.more.busy} onClick={list.more.load}>{said.more}</Button>}
    </Stack>
  );
}

function Answer({ of }: { of: Answered }) {
  const said = words.answers;
  return (
    <Stack gap={4}>
      <Text size="sm" fw={600}>{said.case} {of.case} · {of.subject}</Text>
      <Text size="sm">{of.scores.map((one) => `${one.scorer}: ${score(one.value)}${one.reason ? ` (${one.reason})` : ''}`).join(' · ')}</Text>
      {of.error !== '' && <Text size="sm" c="var(--legato-bad)">{said.error}: {of.error} {of.told}</Text>}
      {of.text !== '' && <Inert text={of.text} label={`${said.text} ${of.case} ${of.subject}`} height={140} />}
      {of.request_id !== '' && <Anchor component={Link} to="/requests" search={{ request: of.request_id } as never} size="sm">{said.request}</Anchor>}
    </Stack>
  );
}
