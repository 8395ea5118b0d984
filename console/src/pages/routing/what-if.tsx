import { Button, Group, List, NativeSelect, Stack, Table, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { Money } from '../../components/Money';
import { Panel } from '../../components/Page';
import { Failure } from '../../components/states';
import { count, duration, percent } from '../../format';
import { exactly } from '../../money';
import { routing } from '../../strings/routing';
import { changeIn } from './change';

type Schemas = components['schemas'];
type Tried = Schemas['RouteTried'];
type World = Schemas['WorldFigures'];
type Difference = Schemas['FigureDifference'];
const words = routing.whatIf;
const NS_DIGITS = 9;
const US_PER_MS = 1_000;

interface WhatIfProps {
  route: Schemas['Route'];
  /** Whom its requests went to: how fast another one answers is taken from the first. */
  asked: string[];
  since: string;
  until: string | undefined;
}

/** Another policy, tried on what was recorded before it is saved. */
export function WhatIf({ route, asked, since, until }: WhatIfProps) {
  const tried = useMutation({
    mutationFn: (body: Schemas['RouteAsked']) => answer(api.POST('/api/v1/routes/{route}/what-if', { params: { path: { route: route.alias } }, body })),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const typed = (name: string) => String(fields.get(name) ?? '');
    tried.mutate({ since, ...(until ? { until } : {}), ...changeIn(typed('strategy'), typed('deployments'), asked) });
  };
  return (
    <Panel title={words.title}>
      <Stack>
        <form onSubmit={submit}>
          <Stack gap="sm">
            <Text size="sm" c="dimmed">{words.about}</Text>
            <Group align="flex-end">
              <TextInput name="deployments" label={words.deployments} required defaultValue={route.deployments.join(', ')} maxLength={2_000} w={{ base: '100%', sm: 420 }} spellCheck={false} />
              <NativeSelect name="strategy" label={words.strategy} data={[{ value: '', label: words.asItIs(route.strategy) }, ...Object.entries(words.strategies).map(([value, label]) => ({ value, label }))]} />
              <Button type="submit" loading={tried.isPending}>{words.run}</Button>
            </Group>
          </Stack>
        </form>
        {tried.error && <Failure problem={tried.error} />}
        {tried.data && <Found {...tried.data} />}
      </Stack>
    </Panel>
  );
}

function Found(tried: Tried) {
  const { as_is: before, changed: after } = tried;
  const between = (figure: string) => tried.differences.find((one) => one.figure === figure);
  const rows: [string, (world: World) => React.ReactNode, Difference | undefined][] = [
    [words.figures.cost, (world) => <Money usd={world.cost_usd} />, between('cost_usd')],
    [words.figures.answered, (world) => count(world.answered), between('answered_share')],
    [words.figures.refused, (world) => count(world.refused), between('refused_share')],
    [words.figures.failed, (world) => count(world.failed), undefined],
    [words.figures.fellBack, (world) => count(world.fell_back), between('fallback_share')],
    [words.figures.p50, (world) => lasting(world.latency_ms_p50), between('latency_ms_p50')],
    [words.figures.p95, (world) => lasting(world.latency_ms_p95), between('latency_ms_p95')],
  ];
  return (
    <Stack gap="sm" role="status">
      <Text size="sm">{words.of(count(tried.requests), exactly(tried.ledger_usd), tried.difference_usd.replace(/[0.]/g, '') === '')}</Text>
      <Table aria-label={words.title}>
        <Table.Thead><Table.Tr>{words.columns.map((name, index) => <Table.Th key={name} scope="col" ta={index > 0 ? 'right' : undefined}>{name}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>
          {rows.map(([name, shown, difference]) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" fw={400}>{name}</Table.Th>
              <Table.Td ta="right">{shown(before)}</Table.Td>
              <Table.Td ta="right">{shown(after)}</Table.Td>
              <Table.Td ta="right" className="figures">{difference ? said(difference) : ''}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Text size="sm" c="dimmed">{words.compared(tried.compared_by)} {words.quality(tried.quality)}</Text>
      <details>
        <summary>{words.notes}</summary>
        <List size="sm" mt="xs">{[...tried.measured, ...tried.modelled, ...tried.assumed].map((note) => <List.Item key={note}>{note}</List.Item>)}</List>
      </details>
    </Stack>
  );
}

const lasting = (ms: number | null) => (ms === null ? words.none : duration(ms * US_PER_MS));

/** A difference in its unit, with its interval where there is one. */
function said({ unit, value, low, high }: Difference): string {
  const one = (figure: number) => {
    const size = Math.abs(figure);
    const text = unit === 'USD' ? exactly(size.toFixed(NS_DIGITS)) : unit === 'share' ? percent(size) : duration(size * US_PER_MS);
    return `${figure < 0 ? '−' : '+'}${text}`;
  };
  return low === null || high === null ? words.tooFew(one(value)) : words.between(one(value), one(low), one(high));
}
