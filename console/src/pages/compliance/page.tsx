import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { download } from '../../api/download';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { type Columns as TableColumns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Columns, Facts, State, type Tone } from '../../components/Facts';
import { ChoiceFilter, Filters } from '../../components/Filters';
import { JsonView } from '../../components/Inert';
import { Figure, Page } from '../../components/Page';
import { Empty, Failure, Shown } from '../../components/states';
import { ago, count, moment } from '../../format';
import { compliance as words } from '../../strings/compliance';
import { useUrl } from '../../url';

type Control = components['schemas']['ControlView'];
type Status = Control['status'];
const CONTROLS = ['compliance'] as const;
const TONES: Record<Status, Tone> = { pass: 'good', fail: 'bad', warn: 'warn', no_live_check: 'plain', not_applicable: 'plain' };
const idOf = (one: Control) => `${one.framework} ${one.id}`;
const Standing = ({ status }: { status: Status }) => <State tone={TONES[status]}>{words.statuses[status] ?? status}</State>;
const seenAt = (one: Control) => one.results.map((result) => result.last).sort().at(-1);

const columns: TableColumns<Control> = [
  { header: words.columns.framework, id: 'framework', accessorFn: (one) => words.frameworks[one.framework] ?? one.framework },
  { header: words.columns.id, accessorKey: 'id' },
  { header: words.columns.status, id: 'status', cell: ({ row }) => <Standing status={row.original.status} /> },
  { header: words.columns.demands, accessorKey: 'demands' },
  { header: words.columns.seen, id: 'seen', accessorFn: (one) => { const at = seenAt(one); return at ? ago(at) : words.never; } },
];

const choices = (of: Record<string, string>) => [{ value: '', label: words.all }, ...Object.entries(of).map(([value, label]) => ({ value, label }))];

export default function Compliance() {
  const [search, change] = useUrl();
  const list = useQuery({ queryKey: [...CONTROLS, search.framework ?? ''], queryFn: () => answer(api.GET('/api/v1/compliance/controls', { params: { query: search.framework ? { framework: search.framework as 'gdpr' } : {} } })) });
  const rows = useMemo(() => (list.data?.data ?? []).filter((one) => !search.status || one.status === search.status), [list.data, search.status]);
  const chosen = list.data?.data.find((one) => idOf(one) === search.selected);
  return (
    <Page title={words.title} about={words.about} actions={<LookNow />}>
      <Group justify="space-between" align="flex-end">
        <Filters label={words.framework}>
          <ChoiceFilter name="framework" label={words.framework} choices={choices(words.frameworks)} />
          <ChoiceFilter name="status" label={words.status} choices={choices(words.statuses)} />
        </Filters>
        <Reports framework={search.framework} />
      </Group>
      <Shown of={list}>
        {({ data }) => (
          <>
            <Columns least="11rem">
              {Object.entries(words.statuses).map(([status, name]) => <Figure key={status} name={name}>{count(data.filter((one) => one.status === status).length)}</Figure>)}
            </Columns>
            <DataTable label={words.title} columns={columns} rows={rows} idOf={idOf} selected={search.selected} onOpen={(one) => change({ selected: idOf(one) }, true)} empty={<Empty title={words.empty} />} />
          </>
        )}
      </Shown>
      <Details opened={chosen !== undefined} title={chosen && `${words.frameworks[chosen.framework]} ${chosen.id}`} onClose={() => change({ selected: undefined })} size={640}>
        {chosen && <One control={chosen} />}
      </Details>
    </Page>
  );
}

function LookNow() {
  const may = useMay();
  const renew = useRenew();
  const [busy, setBusy] = useState(false);
  const [told, setTold] = useState('');
  const [problem, setProblem] = useState<unknown>(null);
  if (!may('compliance:check:run')) return null;
  const run = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const { data } = await answer(api.POST('/api/v1/compliance/looks', { params: { header: once() }, body: { checks: [], heavy: false } }));
      setTold(words.looked(data.length, data.filter((one) => one.changed).length));
      await renew(CONTROLS);
    } catch (refused) {
      setProblem(refused);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {problem !== null && <Failure problem={problem} />}
      <Text size="sm" c="dimmed" role="status">{told}</Text>
      <Button loading={busy} onClick={() => void run()}>{words.look}</Button>
    </>
  );
}

function Reports({ framework }: { framework: string | undefined }) {
  const [problem, setProblem] = useState<unknown>(null);
  if (!framework) return <Text size="sm" c="dimmed">{words.pick}</Text>;
  const keep = (form: 'json' | 'pdf') => download(`/api/v1/compliance/report?framework=${framework}&form=${form}`, `legato-${framework}.${form}`).then(() => setProblem(null), setProblem);
  return (
    <Stack gap={4}>
      <Group gap="xs">
        <Button variant="default" size="xs" onClick={() => void keep('json')}>{words.json}</Button>
        <Button variant="default" size="xs" onClick={() => void keep('pdf')}>{words.pdf}</Button>
      </Group>
      {problem !== null && <Failure problem={problem} />}
    </Stack>
  );
}

function One({ control }: { control: Control }) {
  return (
    <>
      <Text size="sm">{control.demands}</Text>
      <div><Standing status={control.status} /></div>
      <Title order={3}>{words.checks}</Title>
      {control.results.length === 0 && <Text size="sm" c="dimmed">{control.checks.length === 0 ? words.noCheck : words.never}</Text>}
      {control.results.map((one) => (
        <Alert key={`${one.check} ${one.node}`} variant="outline" color="gray" title={one.check}>
          <Stack gap={6}>
            <Group gap="xs"><Standing status={one.status} /><Text size="sm">{one.told}</Text></Group>
            <Text size="sm" c="dimmed">{one.node} · {moment(one.last)} · {words.since(moment(one.first), one.times)}</Text>
            <JsonView value={one.evidence} label={`${words.evidence}: ${one.check}`} height={180} />
          </Stack>
        </Alert>
      ))}
      <Facts of={[...(control.unseen.length ? [[words.unseen, control.unseen.join(', ')] as [string, string]] : []), ...(control.beyond ? [[words.beyond, control.beyond] as [string, string]] : [])]} />
    </>
  );
}
