import { Button, Group, NativeSelect, NumberInput, Stack, Table, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { Money } from '../../components/Money';
import { Panel } from '../../components/Page';
import { Failure } from '../../components/states';
import { count, percent } from '../../format';
import { cache } from '../../strings/cache';

type Schemas = components['schemas'];
const words = cache.whatIf;
const PERCENT = 100;
const FIRST = 1;
const MOST = 20;

/** Another bound of the semantic cache, replayed on captured requests. */
export function WhatIf({ route }: { route: string | undefined }) {
  const tried = useMutation({ mutationFn: (body: Schemas['BoundForm']) => answer(api.POST('/api/v1/cache/what-if', { body })) });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const typed = (name: string) => String(fields.get(name) ?? '');
    tried.mutate({ route: typed('route'), bound: Number(typed('bound')) / PERCENT, since: typed('since') });
  };
  return (
    <Panel title={words.title}>
      <Stack>
        <form onSubmit={submit}>
          <Stack gap="sm">
            <Text size="sm" c="dimmed">{words.about}</Text>
            <Group align="flex-end">
              <TextInput key={route} name="route" label={cache.route} required defaultValue={route ?? ''} maxLength={128} />
              <NumberInput name="bound" label={words.bound} required min={0.01} max={MOST} decimalScale={2} step={0.5} defaultValue={FIRST} w={220} />
              <NativeSelect name="since" label={words.since} data={Object.entries(words.spans).map(([value, label]) => ({ value, label }))} defaultValue="7d" />
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

function Found(tried: Schemas['BoundResult']) {
  const worlds = [[words.wrong, tried.differing_is_wrong], [words.right, tried.differing_is_right]] as const;
  const left = Object.entries(tried.left_out).map(([why, n]) => `${why} ${count(n)}`).join(', ');
  return (
    <Stack gap="sm" role="status">
      <Text size="sm">{words.of(count(tried.differing_is_wrong.requests), count(tried.differing_is_wrong.exact), tried.embedder)}{left && ` ${words.leftOut(left)}`}</Text>
      <Table aria-label={words.title}>
        <Table.Thead><Table.Tr>{words.columns.map((name, index) => <Table.Th key={name} scope="col" ta={index > 0 ? 'right' : undefined}>{name}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>
          {worlds.map(([name, one]) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" fw={400}>{name}</Table.Th>
              <Table.Td ta="right">{count(one.hits)}{one.requests > 0 && ` (${percent(one.hits / one.requests)})`}</Table.Td>
              <Table.Td ta="right">{count(one.same_words)}</Table.Td>
              <Table.Td ta="right">{count(one.checked)}</Table.Td>
              <Table.Td ta="right"><Money usd={one.saved_usd} /></Table.Td>
              <Table.Td ta="right"><Money usd={one.cost_usd} /></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Text size="sm" c="dimmed">{words.lies}</Text>
    </Stack>
  );
}
