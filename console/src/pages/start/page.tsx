import { Anchor, Badge, Group, SegmentedControl, Select, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { useMay } from '../../api/session';
import { Money } from '../../components/Money';
import { Page, Panel } from '../../components/Page';
import { SampleOffer } from '../../components/SampleOffer';
import { Shown, Snippet } from '../../components/states';
import { ago } from '../../format';
import { pages } from '../../navigation';
import { start as words } from '../../strings/start';
import { KEY, PROVIDER, VERIFY, WAYS, type Way, firstCall } from './snippets';

export default function Start() {
  return (
    <Page title={words.title} about={words.about}>
      <Provider />
      <Key />
      <Call />
      <SampleOffer />
    </Page>
  );
}

function Done({ done }: { done: boolean }) {
  return <Badge variant="outline" radius="sm" tt="none" color={done ? 'var(--legato-good)' : 'var(--legato-warn)'}>{done ? `✓ ${words.done}` : `○ ${words.open}`}</Badge>;
}

function useRoutes() {
  const may = useMay()('control:gateway:read');
  return useQuery({ queryKey: ['routes'], queryFn: () => answer(api.GET('/api/v1/routes')), enabled: may, meta: { topics: ['registry'] } });
}

function Provider() {
  const may = useMay()('control:gateway:read');
  const providers = useQuery({ queryKey: ['providers'], queryFn: () => answer(api.GET('/api/v1/providers')), enabled: may });
  const routes = useRoutes();
  if (!may) return <Panel title={words.provider.title}><Text size="sm">{words.provider.refused}</Text></Panel>;
  const aliases = routes.data?.data.map((one) => one.alias) ?? [];
  return (
    <Panel title={words.provider.title} actions={routes.data && <Done done={aliases.length > 0} />}>
      <Shown of={providers}>
        {({ data }) => (
          <Stack gap="xs">
            <Text size="sm">{data.length > 0 ? words.provider.have(data.map((one) => `${one.name} (${one.kind})`).join(', ')) : words.provider.none}</Text>
            <Text size="sm">{aliases.length > 0 ? words.provider.routes(aliases.join(', ')) : words.provider.noRoutes}</Text>
            <Text size="sm" c="dimmed">{words.provider.how}</Text>
            <Snippet code={PROVIDER} />
            <Text size="sm" c="dimmed">{words.provider.check}</Text>
            <Snippet code={VERIFY} />
          </Stack>
        )}
      </Shown>
    </Panel>
  );
}

function Key() {
  const may = useMay()('control:key:read');
  const keys = useQuery({ queryKey: ['keys', 'first'], queryFn: () => answer(api.GET('/api/v1/keys', { params: { query: { limit: 50 } } })), enabled: may });
  const page = pages.find((one) => one.path === '/keys');
  const callers = keys.data?.data.filter((one) => one.state === 'in_force' && one.scopes.includes('gateway:models:call')) ?? [];
  return (
    <Panel title={words.key.title} actions={keys.data && <Done done={callers.length > 0} />}>
      <Stack gap="xs">
        {!may && <Text size="sm">{words.key.refused}</Text>}
        {may && <Shown of={keys}>{() => <Text size="sm">{callers.length > 0 ? words.key.have : words.key.none}</Text>}</Shown>}
        <Text size="sm" c="dimmed">{words.key.how}</Text>
        <Snippet code={KEY} />
        {page && <Anchor component={Link} to={page.path} size="sm">{words.key.page}</Anchor>}
      </Stack>
    </Panel>
  );
}

function Call() {
  const [way, setWay] = useState<Way>('curl');
  const [chosen, setChosen] = useState<string | null>(null);
  const routes = useRoutes();
  const aliases = routes.data?.data.map((one) => one.alias) ?? [];
  const model = chosen ?? aliases[0] ?? 'chat';
  return (
    <Panel title={words.call.title} actions={<Newest />}>
      <Stack gap="xs">
        <Group gap="sm" align="flex-end">
          {aliases.length > 0 && <Select size="xs" label={words.call.model} data={aliases} value={model} onChange={setChosen} allowDeselect={false} w={200} />}
          <SegmentedControl size="xs" aria-label={words.call.language} data={[...WAYS]} value={way} onChange={(value) => setWay(value as Way)} />
        </Group>
        <Text size="sm" c="dimmed">{words.call.how}</Text>
        <Snippet code={firstCall(way, model)} />
      </Stack>
    </Panel>
  );
}

/** Whether a call has come, as soon as it has. */
function Newest() {
  const may = useMay()('control:ledger:read');
  const newest = useQuery({
    queryKey: ['ledger', 'newest'],
    queryFn: () => answer(api.GET('/api/v1/ledger/entries', { params: { query: { limit: 1 } } })),
    enabled: may,
    meta: { topics: ['spend'] },
  });
  if (!may) return <Text size="sm" c="dimmed">{words.call.refused}</Text>;
  const entry = newest.data?.data[0];
  if (!newest.data) return null;
  if (!entry) return <Text size="sm" role="status">{words.call.waiting}</Text>;
  const look = pages.find((one) => one.path === '/requests');
  return (
    <Group gap="sm" role="status">
      <Text size="sm">{words.call.came(ago(entry.at))} {words.call.cost} <Money usd={entry.cost_usd} />.</Text>
      {look && <Anchor component={Link} to={look.path} search={{ request: entry.request_id } as never} size="sm">{words.call.look}</Anchor>}
      <Done done />
    </Group>
  );
}
