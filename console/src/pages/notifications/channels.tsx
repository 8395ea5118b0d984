import { Button, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { type Columns, DataTable } from '../../components/DataTable';
import { Empty, Failure, Shown } from '../../components/states';
import { notifications as words } from '../../strings/notifications';

/** The channels there are; each can be tried. */
export function Channels() {
  const renew = useRenew();
  const list = useQuery({ queryKey: ['notification-channels'], queryFn: () => answer(api.GET('/api/v1/notification-channels')) });
  const test = useMutation({
    mutationFn: (channel: string) => answer(api.POST('/api/v1/notification-tests', { params: { header: once() }, body: { channel } })),
    onSuccess: () => renew(['notifications']),
  });
  const columns: Columns<string> = [
    { header: words.delivery.channel, id: 'name', accessorFn: (name) => name },
    { header: words.test, id: 'test', cell: ({ row }) => <Button size="compact-xs" variant="default" aria-label={words.testOne(row.original)} loading={test.isPending && test.variables === row.original} onClick={() => test.mutate(row.original)}>{words.test}</Button> },
  ];
  return (
    <Stack>
      <Shown of={list}>{({ data }) => <DataTable label={words.tabs.channels} columns={columns} rows={data} idOf={(name) => name} empty={<Empty title={words.noChannels} call={words.call}>{words.channelsHint}</Empty>} />}</Shown>
      <Text size="sm" role="status">{test.isSuccess ? words.tested(test.variables) : ''}</Text>
      {test.error && <Failure problem={test.error} />}
    </Stack>
  );
}
