import { Button, Checkbox, Group, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Filters, TextFilter } from '../../components/Filters';
import { Empty, Failure, Shown } from '../../components/states';
import { ago, count } from '../../format';
import { evaluations } from '../../strings/evaluations';
import { useUrl } from '../../url';
import { Reviewed } from './review';

type Head = components['schemas']['ItemHead'];
const words = evaluations.reviews;

const columns: Columns<Head> = [
  { header: words.judge, accessorKey: 'judge' },
  { header: words.source, accessorKey: 'source' },
  { header: words.wanted, id: 'labels', accessorFn: (one) => words.of(count(one.labels_given), count(one.labels_wanted)) },
  { header: words.since, id: 'since', accessorFn: (one) => ago(one.created_at) },
];

/** Answers that people review, oldest first. */
export function Reviews() {
  const [search, change] = useUrl();
  const may = useMay()('reviews:label:create');
  const [told, setTold] = useState('');
  const judge = search.judge;
  const open = search.all === undefined;
  const list = usePages(['reviews', judge, open], ['evaluations'], (cursor) => answer(api.GET('/api/v1/reviews', { params: { query: { limit: 50, open, ...(judge ? { judge } : {}), ...(cursor ? { cursor } : {}) } } })));
  const judges = [...new Set((list.data ?? []).map((one) => one.judge))];
  const asked = judge ?? judges[0];
  const next = useMutation({
    mutationFn: (of: string) => answer(api.POST('/api/v1/reviews/next', { body: { judge: of } })),
    onSuccess: ({ item }) => {
      setTold(item === null ? words.none : '');
      if (item) change({ selected: item.head.id }, true);
    },
  });
  return (
    <Stack>
      <Group justify="space-between" align="flex-end">
        <Filters label={words.judge}>
          <TextFilter name="judge" label={words.judge} />
          <Checkbox label={words.open} checked={open} onChange={(event) => change({ all: event.currentTarget.checked ? undefined : '1' })} />
        </Filters>
        {may && asked && <Button loading={next.isPending} onClick={() => next.mutate(asked)}>{words.next}</Button>}
      </Group>
      <Text size="sm" role="status">{told}</Text>
      {next.error && <Failure problem={next.error} />}
      <Shown of={list}>
        {(rows) => <DataTable label={evaluations.tabs.reviews} columns={columns} rows={rows} idOf={(one) => one.id} selected={search.selected} onOpen={(one) => change({ selected: one.id }, true)} more={list.more} empty={<Empty title={words.empty} call={words.call}>{words.emptyHint}</Empty>} />}
      </Shown>
      <Details opened={search.selected !== undefined} title={words.item} onClose={() => change({ selected: undefined })} size={720}>
        {search.selected && <One id={search.selected} key={search.selected} />}
      </Details>
    </Stack>
  );
}

function One({ id }: { id: string }) {
  const item = useQuery({ queryKey: ['review', id], queryFn: () => answer(api.GET('/api/v1/reviews/{review_id}', { params: { path: { review_id: id } } })) });
  return <Shown of={item}>{(found) => <Reviewed of={found} />}</Shown>;
}
