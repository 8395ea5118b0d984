import { Button, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { type Columns, DataTable } from '../../components/DataTable';
import { Panel } from '../../components/Page';
import { Shown } from '../../components/states';
import { ago, moment } from '../../format';
import { account as words } from '../../strings/account';

type Session = components['schemas']['OneSession'];
const said = words.sessions;
const KEY = ['own', 'sessions'] as const;

/** All sessions of whose it is; this one ends by signing out. */
export function Sessions() {
  const renew = useRenew();
  const list = useQuery({
    queryKey: KEY,
    queryFn: async () => {
      const [{ data }, { id }] = await Promise.all([answer(api.GET('/api/v1/sessions')), answer(api.GET('/api/v1/session'))]);
      return { data, id };
    },
  });
  const end = async (session_id: string) => {
    await answer(api.POST('/api/v1/sessions/{session_id}/revoke', { params: { path: { session_id } } }));
    await renew(KEY);
  };
  const columns: Columns<Session> = [
    { header: said.one, id: 'here', cell: ({ row: { original: one } }) => (one.id === list.data?.id ? <b>{said.here}</b> : <Button size="compact-xs" variant="default" aria-label={said.endOne(one.address)} onClick={() => void end(one.id)}>{said.end}</Button>) },
    { header: said.from, accessorKey: 'address' },
    { header: said.agent, id: 'agent', cell: ({ row }) => <Text size="sm" maw={260} truncate title={row.original.agent}>{row.original.agent}</Text> },
    { header: words.who.by, id: 'by', accessorFn: (one) => one.provider ?? words.who.password },
    { header: said.began, id: 'began', accessorFn: (one) => moment(one.created_at) },
    { header: said.used, id: 'used', accessorFn: (one) => ago(one.used_at) },
    { header: said.ends, id: 'ends', cell: ({ row }) => <time dateTime={row.original.expires_at} title={moment(row.original.expires_at)}>{ago(row.original.expires_at)}</time> },
  ];
  return (
    <Panel title={said.title}>
      <Shown of={list}>{({ data }) => <DataTable label={said.title} columns={columns} rows={data} idOf={(one) => one.id} />}</Shown>
    </Panel>
  );
}
