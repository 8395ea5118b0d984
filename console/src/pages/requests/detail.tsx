import { Button, Code, Drawer, Group, Stack, Tabs, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { useMay } from '../../api/session';
import { CopyButton } from '../../components/CopyButton';
import { JsonView } from '../../components/Inert';
import { Shown } from '../../components/states';
import { moment } from '../../format';
import { requests as words } from '../../strings/requests';
import { useUrl } from '../../url';
import { Compare } from './compare';
import { Content } from './content';
import { Costs } from './costs';
import { Gantt } from './gantt';
import { Replay } from './replay';
import { Status } from './status';
import type { RequestDetail } from './shape';
import { Why } from './why';

/** One request, on the right of the list; its id and tab stand in the address. */
export function Detail({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  return (
    <Drawer opened={id !== undefined} onClose={onClose} size="min(760px, 100vw)" title={words.detail}>
      {id !== undefined && <One id={id} />}
    </Drawer>
  );
}

function One({ id }: { id: string }) {
  const found = useQuery({
    queryKey: ['request', id],
    queryFn: () => answer(api.GET('/api/v1/requests/{request_id}', { params: { path: { request_id: id } } })),
    staleTime: Number.POSITIVE_INFINITY, // what is over doesn't change
  });
  return (
    <Stack>
      <Group gap="xs">
        <Code>{id}</Code>
        <CopyButton text={id} />
      </Group>
      <Shown of={found}>{(request) => <Told request={request} />}</Shown>
    </Stack>
  );
}

function Told({ request }: { request: RequestDetail }) {
  const [search, change] = useUrl();
  const may = useMay();
  const contents = may('captures:request:read');
  const against = search.against === request.request_id ? undefined : search.against;
  const usual = against ? 'compare' : 'why';
  return (
    <Stack>
      <Group gap="sm">
        <Status row={request} />
        <Text size="sm">{moment(request.at)}</Text>
        <Text size="sm" c="dimmed">{request.org} / {request.team} / {request.feature}</Text>
        {!search.against && <Button size="compact-xs" variant="default" onClick={() => change({ against: request.request_id, request: undefined, tab: undefined })}>{words.compare.begin}</Button>}
      </Group>
      <Tabs value={search.tab ?? usual} onChange={(tab) => change({ tab: tab === usual ? undefined : (tab ?? undefined) })} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="why">{words.tabs.why}</Tabs.Tab>
          <Tabs.Tab value="time">{words.tabs.time}</Tabs.Tab>
          <Tabs.Tab value="cost">{words.tabs.cost}</Tabs.Tab>
          {against && <Tabs.Tab value="compare">{words.tabs.compare}</Tabs.Tab>}
          <Tabs.Tab value="replay">{words.tabs.replay}</Tabs.Tab>
          {contents && <Tabs.Tab value="content">{words.tabs.content}</Tabs.Tab>}
          <Tabs.Tab value="raw">{words.tabs.raw}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="why" pt="md"><Why request={request} /></Tabs.Panel>
        <Tabs.Panel value="time" pt="md"><Gantt request={request} /></Tabs.Panel>
        <Tabs.Panel value="cost" pt="md"><Costs request={request} /></Tabs.Panel>
        {against && <Tabs.Panel value="compare" pt="md"><Compare request={request} against={against} /></Tabs.Panel>}
        <Tabs.Panel value="replay" pt="md"><Replay request={request} /></Tabs.Panel>
        {contents && <Tabs.Panel value="content" pt="md"><Content id={request.request_id} /></Tabs.Panel>}
        <Tabs.Panel value="raw" pt="md"><JsonView value={request} label={words.raw} height={600} /></Tabs.Panel>
      </Tabs>
    </Stack>
  );
}
