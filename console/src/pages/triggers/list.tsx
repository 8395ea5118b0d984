import { Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { State, type Tone } from '../../components/Facts';
import { Empty, Shown } from '../../components/states';
import { ago, count, moment } from '../../format';
import { triggers as words } from '../../strings/triggers';
import { useUrl } from '../../url';
import { One } from './one';

export type Trigger = components['schemas']['WorkflowTrigger'];
export const nameOf = (one: Trigger) => `${one.workflow}/${one.trigger}`;
const said = words.columns;

/** How a trigger stands, worst first: in a word, with its colour. */
export function standing(one: Trigger): [string, Tone] {
  if (!one.in_force) return [words.state.gone, 'plain'];
  if (one.paused) return [words.state.paused, 'warn'];
  if (one.trouble) return [words.state.trouble, 'bad'];
  if (one.listening) return [words.state.listening, 'good'];
  return one.kind === 'webhook' || one.kind === 'event' ? [words.state.ready, 'good'] : [words.state.waiting, 'warn'];
}

const columns: Columns<Trigger> = [
  { header: said.name, id: 'name', accessorFn: nameOf },
  { header: said.kind, accessorKey: 'kind' },
  {
    header: said.state,
    id: 'state',
    cell: ({ row }) => {
      const [word, tone] = standing(row.original);
      return <State tone={tone}>{word}</State>;
    },
  },
  { header: said.received, id: 'received', accessorFn: (one) => count(one.counts.received), meta: { right: true } },
  { header: said.started, id: 'started', accessorFn: (one) => count(one.counts.started), meta: { right: true } },
  { header: said.dead, id: 'dead', accessorFn: (one) => count(one.counts.dead), meta: { right: true } },
  { header: said.heard, id: 'heard', accessorFn: (one) => (one.heard_at === null ? '' : ago(one.heard_at)) },
  { header: said.next, id: 'next', accessorFn: (one) => (one.next_at[0] === undefined ? '' : moment(one.next_at[0])) },
];

/** All triggers, in force or once heard of. */
export function List() {
  const [search, change] = useUrl();
  const list = useQuery({ queryKey: ['triggers'], queryFn: () => answer(api.GET('/api/v1/triggers')), meta: { topics: ['runs', 'registry'] } });
  const chosen = list.data?.data.find((one) => nameOf(one) === search.selected);
  return (
    <Stack>
      <Shown of={list}>
        {({ data }) => (
          <DataTable
            label={words.tabs.list}
            columns={columns}
            rows={data}
            idOf={nameOf}
            selected={search.selected}
            onOpen={(one) => change({ selected: nameOf(one) }, true)}
            empty={<Empty title={words.empty} call={words.call}>{words.emptyHint}</Empty>}
          />
        )}
      </Shown>
      <Details opened={chosen !== undefined} title={chosen ? nameOf(chosen) : ''} onClose={() => change({ selected: undefined })} size={640}>
        {chosen && <One of={chosen} key={nameOf(chosen)} />}
      </Details>
    </Stack>
  );
}
