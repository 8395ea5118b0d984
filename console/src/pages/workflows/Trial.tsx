import { Button, Group, NativeSelect, Stack, Text } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { credentials } from '../../api/credentials';
import { useMay } from '../../api/session';
import { JsonView } from '../../components/Inert';
import { Money } from '../../components/Money';
import { JsonField } from '../../components/SchemaForm';
import { Failure } from '../../components/states';
import { portsOf } from '../../flow/definition';
import { sampleOf } from '../../flow/reach';
import { type Pin, alone, withPins } from '../../flow/trial';
import { builder as words } from '../../strings/builder';
import { type RunDetail, Status } from '../workflow-runs/parts';
import type { Editor } from './useEditor';

interface TrialProps {
  editor: Editor;
  name: string;
  run: RunDetail | undefined;
  pins: ReadonlyMap<string, Pin>;
  setPins: (pins: ReadonlyMap<string, Pin>) => void;
  input: unknown;
  setInput: (input: unknown) => void;
  onRun: (id: string | null) => void;
}

/** Tries what is drawn, whole or one node, with pinned outputs: a run of the draft, marked as a test. */
export function Trial({ editor, name, run, pins, setPins, input, setInput, onRun }: TrialProps) {
  const may = useMay();
  const byKey = credentials.byKey;
  const keys = useQuery({
    queryKey: ['keys-that-call'],
    queryFn: async () => (await answer(api.GET('/api/v1/keys', { params: { query: { limit: 100 } } }))).data.filter((one) => one.state === 'in_force' && one.scopes.includes('gateway:models:call')),
    enabled: !byKey && may('control:key:read'),
    meta: { topics: ['registry'] },
  });
  const [chosen, setChosen] = useState('');
  const key = byKey ? undefined : chosen || keys.data?.[0]?.id;
  const given = input === undefined ? sampleOf(editor.definition.input as never) : input;
  const start = useMutation({
    mutationFn: (only: string | null) => answer(api.POST('/api/v1/workflow-runs', {
      body: { workflow: name, definition: (only === null ? withPins(editor.definition, pins) : alone(editor.definition, only, pins)) as never, input: given as never, test: true, user: '', ...(key ? { key_id: key } : {}) },
    })),
    onSuccess: (made) => onRun(made.id),
  });
  const whole = editor.way.length === 0;
  const node = whole ? editor.graph.nodes.find((one) => one.id === editor.selected[0]) : undefined;
  const pin = node && pins.get(node.id);
  const put = (id: string, next: Pin | null) => {
    const made = new Map(pins);
    if (next) made.set(id, next);
    else made.delete(id);
    setPins(made);
  };
  if (!may('workflow:run:create')) return <Text size="sm" c="dimmed">{words.trial.mayNot}</Text>;
  return (
    <Stack gap="sm">
      <Text size="xs" c="dimmed">{words.trial.test}</Text>
      <JsonField label={words.trial.input} value={given} onChange={(next) => setInput(next ?? null)} />
      {!byKey && <NativeSelect label={words.trial.key} description={words.trial.keyHint} data={(keys.data ?? []).map((one) => ({ value: one.id, label: `${one.name} (${one.team})` }))} value={key ?? ''} onChange={(event) => setChosen(event.currentTarget.value)} error={keys.data?.length === 0 && words.trial.noKey} />}
      <Group gap="xs">
        <Button loading={start.isPending} disabled={!byKey && !key} onClick={() => start.mutate(null)}>{words.trial.all}</Button>
        {node && <Button variant="default" loading={start.isPending} onClick={() => start.mutate(node.id)}>{words.trial.one(node.id)}</Button>}
      </Group>
      {start.error && <Failure problem={start.error} />}
      {node && !pin && <Button size="compact-sm" variant="default" w="fit-content" onClick={() => put(node.id, { output: outputOf(run, node.id) ?? null, port: portsOf(node)[0] ?? 'done' })}>{words.trial.pin}: {node.id}</Button>}
      {node && pin && (
        <Stack gap="xs">
          <JsonField label={`${words.trial.pinned}: ${node.id}`} description={words.trial.pinHint} value={pin.output} text onChange={(next) => put(node.id, { ...pin, output: next ?? null })} />
          <NativeSelect label={words.trial.port} data={portsOf(node)} value={pin.port} onChange={(event) => put(node.id, { ...pin, port: event.currentTarget.value })} />
          <Button size="compact-sm" variant="default" w="fit-content" onClick={() => put(node.id, null)}>{words.trial.unpin}</Button>
        </Stack>
      )}
      {run && (
        <Stack gap="xs">
          <Group justify="space-between"><Text fw={600}>{words.trial.run}</Text><Status of={run.run.status} /></Group>
          <Group justify="space-between"><Link to={`/workflow-runs/${run.run.id}`}>{words.trial.open}</Link><Money usd={run.cost.total_usd} /></Group>
          {run.run.message && <Text size="sm" className="inert">{run.run.message}</Text>}
          {node && <JsonView value={outputOf(run, node.id) ?? null} label={node.id} height={200} />}
          <Group gap="xs">
            <Button size="compact-sm" variant="default" onClick={() => setPins(new Map([...pins, ...run.steps.filter((one) => one.name === '' && one.state === 'done').map((one): [string, Pin] => [one.node, { output: one.output, port: one.port || 'done' }])]))}>{words.trial.pinAll}</Button>
            <Button size="compact-sm" variant="default" onClick={() => onRun(null)}>{words.trial.cancel}</Button>
          </Group>
        </Stack>
      )}
    </Stack>
  );
}

const outputOf = (run: RunDetail | undefined, node: string): unknown => run?.steps.find((one) => one.node === node && one.name === '')?.output;
