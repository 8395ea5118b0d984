import { Button, Group, NativeSelect, NumberInput, Stack, Table, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { Actor } from '../../components/Actor';
import { type Columns, DataTable } from '../../components/DataTable';
import { ChoiceFilter, Filters, TextFilter } from '../../components/Filters';
import { FormModal } from '../../components/FormModal';
import { Panel } from '../../components/Page';
import { Failure, Shown } from '../../components/states';
import { ago, count } from '../../format';
import { privacy } from '../../strings/privacy';
import { useUrl } from '../../url';

type Standing = components['schemas']['ShownRetention'];
type Term = components['schemas']['ShownTerm'];
const words = privacy.retention;
const KEY = ['retention'] as const;

const columns: Columns<Standing> = [
  { header: words.table, accessorKey: 'table' },
  { header: words.rule, id: 'rule', accessorFn: (one) => one.rule ?? '' },
  { header: words.kept, accessorKey: 'kept' },
  { header: words.oldest, id: 'oldest', accessorFn: (one) => (one.oldest === null ? '' : ago(one.oldest)) },
  { header: words.due, id: 'due', accessorFn: (one) => (one.days === null ? '' : count(one.rows_due)), meta: { right: true } },
];
const SHOWN: Record<string, (one: Standing) => boolean> = { timed: (one) => one.days !== null, due: (one) => one.rows_due > 0 };

/** How long every table is kept, and the shorter terms that people set. */
export function Retention() {
  const [search] = useUrl();
  const may = useMay()('privacy:retention:update');
  const [setting, setSetting] = useState(false);
  const org = search.org;
  const found = useQuery({ queryKey: [...KEY, org], queryFn: () => answer(api.GET('/api/v1/retention', { params: { query: org ? { org } : {} } })) });
  return (
    <Stack>
      <Group justify="space-between" align="flex-end">
        <Filters label={words.only}>
          <ChoiceFilter name="only" label={words.only} choices={[{ value: '', label: words.all }, { value: 'timed', label: words.timed }, { value: 'due', label: words.waiting }]} />
          <TextFilter name="org" label={privacy.org} />
        </Filters>
        {may && found.data && <Button onClick={() => setSetting(true)}>{words.set}</Button>}
      </Group>
      <Shown of={found}>
        {({ data, terms }) => (
          <>
            <Panel title={words.terms}>{terms.length === 0 ? <Text size="sm" c="dimmed">{words.none}</Text> : <Terms of={terms} may={may} />}</Panel>
            <DataTable label={words.tables} columns={columns} rows={data.filter(SHOWN[search.only ?? ''] ?? (() => true))} idOf={(one) => one.table} empty={<Text size="sm" c="dimmed" p="md">{privacy.retention.none}</Text>} />
            <Setting kinds={kindsOf(data)} org={org} opened={setting} onClose={() => setSetting(false)} />
          </>
        )}
      </Shown>
    </Stack>
  );
}

const kindsOf = (data: Standing[]) => [...new Set(data.flatMap((one) => (one.rule === null ? [] : [one.rule])))].sort();

function Terms({ of, may }: { of: Term[]; may: boolean }) {
  const renew = useRenew();
  const remove = useMutation({
    mutationFn: (one: Term) => answer(api.POST('/api/v1/retention', { params: { header: once() }, body: { kind: one.kind, org: one.org ?? '*' } })),
    onSuccess: () => renew(KEY),
  });
  return (
    <Stack gap="xs">
      <Table aria-label={words.terms}>
        <Table.Thead><Table.Tr>{[words.kind, privacy.org, words.days, words.by, words.at].map((name) => <Table.Th key={name} scope="col">{name}</Table.Th>)}{may && <Table.Th scope="col">{words.remove}</Table.Th>}</Table.Tr></Table.Thead>
        <Table.Tbody>
          {of.map((one) => (
            <Table.Tr key={`${one.org}/${one.kind}`}>
              <Table.Td>{one.kind}</Table.Td><Table.Td>{one.org ?? words.everywhere}</Table.Td><Table.Td>{count(one.days)}</Table.Td>
              <Table.Td style={{ overflowWrap: 'anywhere' }}><Actor of={one.changed_by} /></Table.Td><Table.Td>{ago(one.changed_at)}</Table.Td>
              {may && <Table.Td><Button size="compact-xs" variant="default" aria-label={words.removeOne(one.kind)} loading={remove.isPending && remove.variables === one} onClick={() => remove.mutate(one)}>{words.remove}</Button></Table.Td>}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {remove.error && <Failure problem={remove.error} />}
    </Stack>
  );
}

function Setting({ kinds, org, opened, onClose }: { kinds: string[]; org: string | undefined; opened: boolean; onClose: () => void }) {
  const renew = useRenew();
  const submit = async (fields: Record<string, string>) => {
    await answer(api.POST('/api/v1/retention', { params: { header: once() }, body: { kind: fields.kind ?? '', days: Number(fields.days), ...(org ? { org } : {}) } }));
    await renew(KEY);
  };
  return (
    <FormModal opened={opened} onClose={onClose} title={words.set} about={words.setAbout} action={words.change} onSubmit={submit}>
      <NativeSelect name="kind" label={words.kind} data={kinds} />
      <NumberInput name="days" label={words.newDays} min={1} max={36_500} allowDecimal={false} required />
    </FormModal>
  );
}
