import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { once } from '../../api/acts';
import { answer, api } from '../../api/client';
import { ApiError } from '../../api/errors';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { ConfirmDanger } from '../../components/ConfirmDanger';
import { Facts } from '../../components/Facts';
import { Failure, Loading, Shown } from '../../components/states';
import { ago, day, moment, percent } from '../../format';
import { budgets as words } from '../../strings/budgets';
import { BurnDownChart } from './burn-down';
import { type Budget, type Outlook, amountSaid, limitOf, whoseOf } from './figures';
import { BudgetForm } from './form';

type Counter = components['schemas']['Counter'];
const SHOWN_MAX = 20;

interface OneBudgetProps {
  budget: Budget;
  onDone: () => Promise<void>;
  onGone: () => Promise<void>;
}

export function OneBudget({ budget, onDone, onGone }: OneBudgetProps) {
  const path = { budget_id: budget.id };
  // what is being removed isn't asked for any more, whatever comes in live meanwhile
  const [going, setGoing] = useState(false);
  const status = useQuery({ enabled: !going, queryKey: ['budgets', budget.id, 'status'], queryFn: () => answer(api.GET('/api/v1/budgets/{budget_id}/status', { params: { path } })), meta: { topics: ['budgets', 'spend'] } });
  return (
    <>
      <Acts budget={budget} counters={status.data?.counters} onDone={onDone} onGone={onGone} onGoing={setGoing} />
      <Facts of={[[words.columns.whose, whoseOf(budget)], [words.columns.limit, `${limitOf(budget)} / ${budget.window}`], [words.columns.hard, budget.hard ? words.hard : words.soft], [words.columns.source, budget.source]]} />
      <Title order={3}>{words.standing}</Title>
      <Shown of={status}>
        {({ counters }) => counters.length === 0 ? <Text size="sm" c="dimmed">{words.noCounters}</Text> : <Stack>{counters.slice(0, SHOWN_MAX).map((one) => <Standing key={JSON.stringify(one.of)} one={one} />)}</Stack>}
      </Shown>
      {status.data && <Forecast budget={budget} counters={status.data.counters} going={going} />}
      <Events id={budget.id} />
    </>
  );
}

const nameOf = (of: Record<string, string>) => Object.entries(of).map(([name, value]) => `${name} ${value}`).join(', ') || words.all;

function Standing({ one }: { one: Counter }) {
  return (
    <Facts
      of={[
        [words.of, nameOf(one.of)], [words.now, <span key="now" className="figures">{amountSaid(one.settled)} / {amountSaid(one.limit)}</span>],
        [words.aside, amountSaid(one.set_aside)], [words.left, amountSaid(one.remaining)],
        [words.began, moment(one.window_start)], [words.resets, one.resets_at && `${moment(one.resets_at)} (${ago(one.resets_at)})`],
      ]}
    />
  );
}

function Forecast({ budget, counters, going }: { budget: Budget; counters: Counter[]; going: boolean }) {
  const outlook = useQuery({ queryKey: ['budgets', budget.id, 'forecast'], queryFn: () => answer(api.GET('/api/v1/budgets/{budget_id}/forecast', { params: { path: { budget_id: budget.id } } })), enabled: foreseen(budget) && !going, meta: { topics: ['budgets', 'spend'] } });
  if (!foreseen(budget)) return <Text size="sm" c="dimmed">{words.unforecast}</Text>;
  if (outlook.error) return outlook.error instanceof ApiError && outlook.error.status === 400 ? <Text size="sm" c="dimmed">{outlook.error.message}</Text> : <Failure problem={outlook.error} />;
  if (!outlook.data) return <Loading />;
  const first = outlook.data.counters[0];
  const standing = counters.find((one) => JSON.stringify(one.of) === JSON.stringify(first?.of));
  if (!first || !standing) return null;
  return (
    <>
      <BurnDownChart one={first} windowStart={standing.window_start} resetsAt={standing.resets_at} />
      <Facts
        of={[
          [words.expected, amountSaid(first.expected)], [words.between, first.low === null || first.high === null ? null : `${amountSaid(first.low)} – ${amountSaid(first.high)} (${percent(first.level, 0)})`],
          [words.runsOut, first.runs_out ? day(first.runs_out) : words.never],
        ]}
      />
      <Text size="sm" c="dimmed">{tried(first)}</Text>
    </>
  );
}

const foreseen = (budget: Budget) => (budget.usd !== null || budget.tokens !== null) && ['day', 'week', 'month'].includes(budget.window);

const tried = (one: Outlook) => one.off_by === null || one.held === null ? words.untried : words.tried(one.trials, percent(one.off_by), percent(one.held, 0));

function Events({ id }: { id: string }) {
  const events = usePages(['budgets', id, 'events'], ['budgets'], (cursor) => answer(api.GET('/api/v1/budget-events', { params: { query: { budget_id: id, limit: 50, ...(cursor ? { cursor } : {}) } } })));
  return (
    <section aria-label={words.events}>
      <Title order={3} mb="xs">{words.events}</Title>
      <Shown of={events}>
        {(rows) => rows.length === 0 ? <Text size="sm" c="dimmed">{words.noEvents}</Text> : (
          <Facts of={rows.map((one) => [`${moment(one.at)}`, `${words.eventOf[one.what] ?? one.what} · ${nameOf(one.of)} · ${amountSaid(one.used)} / ${amountSaid(one.limit)}`])} />
        )}
      </Shown>
    </section>
  );
}

interface ActsProps extends OneBudgetProps {
  counters: Counter[] | undefined;
  onGoing: (going: boolean) => void;
}

function Acts({ budget, counters, onDone, onGone, onGoing }: ActsProps) {
  const may = useMay();
  const [open, setOpen] = useState<'edit' | 'remove' | null>(null);
  if (budget.source === 'config') return <Text size="sm" c="dimmed">{words.configured}</Text>;
  const close = () => setOpen(null);
  const spent = (counters ?? []).slice(0, 3).map((one) => words.blast.spent(`${amountSaid(one.settled)} (${nameOf(one.of)})`));
  return (
    <Group gap="xs">
      {may('control:budget:update') && <Button size="xs" variant="default" onClick={() => setOpen('edit')}>{words.edit}</Button>}
      {may('control:budget:delete') && <Button size="xs" color="red.9" onClick={() => setOpen('remove')}>{words.remove}</Button>}
      <BudgetForm opened={open === 'edit'} onClose={close} onDone={onDone} budget={budget} />
      <ConfirmDanger
        opened={open === 'remove'}
        onClose={close}
        title={words.removeTitle(budget.name)}
        blastRadius={[words.blast.stops(`${limitOf(budget)} / ${budget.window}`, whoseOf(budget)), ...spent, words.blast.kept]}
        name={budget.name}
        action={words.remove}
        onConfirm={async () => {
          onGoing(true);
          try {
            await answer(api.POST('/api/v1/budgets/{budget_id}/delete', { params: { path: { budget_id: budget.id }, header: once() } }));
          } catch (problem) {
            onGoing(false);
            throw problem;
          }
          await onGone();
        }}
      />
    </Group>
  );
}
