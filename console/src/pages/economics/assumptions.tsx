import { Button, Group, Select, Stack, Table, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { answer, api } from '../../api/client';
import { useMay } from '../../api/session';
import { Panel } from '../../components/Page';
import { Failure, Shown } from '../../components/states';
import { economics as words } from '../../strings/economics';
import { ASSUMPTIONS, useAssumptions } from './asked';

type Tag = 'measured' | 'assumed' | 'benchmark';

export function Assumptions() {
  const known = useAssumptions();
  const may = useMay();
  return (
    <Stack gap="md">
      <Panel title={words.tabs.assumptions}>
        <Shown of={known}>
          {(all) => (
            <Table.ScrollContainer minWidth={820} type="native">
              <Table>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th scope="col">{words.assumptionName}</Table.Th>
                    <Table.Th scope="col" ta="right">{words.value}</Table.Th>
                    <Table.Th scope="col" ta="right">{words.range}</Table.Th>
                    <Table.Th scope="col">{words.tag}</Table.Th>
                    <Table.Th scope="col">{words.source}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {all.map((one) => (
                    <Table.Tr key={one.name}>
                      <Table.Td>
                        <Text size="sm" fw={600}>{one.name}</Text>
                        <Text size="sm" c="dimmed">{one.means}</Text>
                      </Table.Td>
                      <Table.Td ta="right" className="figures">{one.value} {one.unit}</Table.Td>
                      <Table.Td ta="right" className="figures">{one.low && `${one.low} – ${one.high}`}</Table.Td>
                      <Table.Td>{words.tags[one.tag] ?? one.tag}</Table.Td>
                      <Table.Td><Text size="sm">{one.source}</Text></Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </Table.ScrollContainer>
          )}
        </Shown>
      </Panel>
      {may('finance:book:update') && <Panel title={words.set}><SetAssumption /></Panel>}
    </Stack>
  );
}

/** Keeps a figure as a new version, with where it comes from. */
export function SetAssumption({ name }: { name?: string }) {
  const client = useQueryClient();
  const set = useMutation({
    mutationFn: async (form: FormData) => {
      const text = (field: string) => String(form.get(field) ?? '').trim();
      const tag = text('tag') as Tag;
      const one = { name: text('name'), value: text('value'), low: text('low'), high: text('high'), unit: text('unit'), source: text('source'), tag, valid_from: '' };
      return answer(api.POST('/api/v1/finance/assumptions', { body: { assumptions: [one] } }));
    },
    onSuccess: async () => {
      await Promise.all([ASSUMPTIONS, ['plan'], ['projection']].map((queryKey) => client.invalidateQueries({ queryKey })));
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    set.mutate(new FormData(event.currentTarget));
  };
  const tags = Object.entries(words.tags).map(([value, label]) => ({ value, label }));
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Text size="sm" c="dimmed">{words.setHint}</Text>
        <Group align="flex-end" gap="sm">
          <TextInput name="name" label={words.assumptionName} defaultValue={name} required />
          <TextInput name="value" label={words.value} required />
          <TextInput name="unit" label={words.unit} />
          <TextInput name="low" label={words.low} />
          <TextInput name="high" label={words.high} />
          <Select name="tag" label={words.tag} data={tags} defaultValue="assumed" allowDeselect={false} />
          <TextInput name="source" label={words.source} required />
          <Button type="submit" loading={set.isPending}>{words.save}</Button>
        </Group>
        {set.error && <Failure problem={set.error} />}
        <Text size="sm" role="status">{set.isSuccess ? words.kept : ''}</Text>
      </Stack>
    </form>
  );
}
