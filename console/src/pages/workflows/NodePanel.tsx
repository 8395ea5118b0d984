import { Button, Group, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import { SchemaForm, type Schema } from '../../components/SchemaForm';
import { type FlowNode, everyNode, pathOf, portsOf } from '../../flow/definition';
import { changeNode, connect, disconnect, pathProblem, rename } from '../../flow/edit';
import { namesInReach, sampleOf } from '../../flow/reach';
import type { Pin } from '../../flow/trial';
import { builder as words } from '../../strings/builder';
import { canvas as canvasWords } from '../../strings/canvas';
import type { RunDetail } from '../workflow-runs/parts';
import type { Format } from './format';
import type { OfNode } from './useChecked';
import type { Editor } from './useEditor';

interface NodePanelProps {
  editor: Editor;
  format: Format;
  problems: ReadonlyMap<string, OfNode[]>;
  hints: ReadonlyMap<string, OfNode[]>;
  run: RunDetail | undefined;
  pins: ReadonlyMap<string, Pin>;
  input: unknown;
  onOpen: (id: string) => void;
}

const ID = /^[a-z][a-z0-9_]{0,63}$/;
const APART = ['kind', 'id', 'after', 'at', 'do'];
const LATER = ['join', 'when', 'retry', 'timeout_s', 'confidence'];

/** The fields of the chosen node, made of its kind's schema. */
export function NodePanel(props: NodePanelProps) {
  const { editor } = props;
  const node = editor.graph.nodes.find((one) => one.id === editor.selected[0]);
  if (!node || editor.selected.length > 1) return <Text size="sm" c="dimmed">{editor.selected.length > 1 ? words.severalChosen(editor.selected.length) : words.chooseNode}</Text>;
  return <Fields key={node.id} node={node} {...props} />;
}

function Fields({ node, editor, format, problems, hints, run, pins, input, onOpen }: NodePanelProps & { node: FlowNode }) {
  const schema = format.parts[format.kinds[node.kind] ?? ''];
  const own = problems.get(node.id) ?? [];
  const byField = useMemo(() => new Map(own.map((one) => [one.field, one.message])), [own]);
  const outputs = useMemo(() => {
    const found = new Map<string, unknown>([...pins].map(([id, pin]) => [id, pin.output]));
    for (const step of run?.steps ?? []) if (step.name === '' && step.state === 'done') found.set(step.node, step.output);
    return found;
  }, [pins, run]);
  const declared = editor.definition.input as Schema | undefined;
  const reach = useMemo(() => ({
    names: namesInReach(editor.graph, node.id, declared as never, outputs, editor.way.length > 0),
    functions: [...format.functions, ...format.loops],
    values: { input: input ?? run?.run.input ?? sampleOf(declared as never), run: { id: 'trial', workflow: '', user: '', test: true }, vars: (editor.definition.vars ?? {}) as Record<string, unknown>, steps: Object.fromEntries([...outputs].map(([id, output]) => [id, { output, port: pins.get(id)?.port ?? 'done', error: null, confidence: null }])) },
  }), [editor.graph, editor.definition, editor.way, node.id, declared, outputs, format, input, run, pins]);
  if (!schema) return <Text size="sm">{node.kind}</Text>;
  const change = (value: Record<string, unknown>, field: string) => editor.change((had) => changeNode(had, node.id, { [field]: value[field] }), `${node.id}.${field}`);
  const shared = { schema, value: node as Record<string, unknown>, onChange: change, parts: format.parts, problems: byField, reach, templates: format.templates[node.kind] ?? [] };
  return (
    <Stack gap="sm">
      <Text fw={600}>{canvasWords.kinds[node.kind]}</Text>
      <Text size="xs" c="dimmed">{(schema.description ?? '').split('\n\n')[0]}</Text>
      {own.filter((one) => one.field === '' || APART.includes(one.field.split(/[.[]/)[0] ?? '')).map((one) => <Text key={one.message} size="sm" c="var(--legato-bad)">{one.message}</Text>)}
      {(hints.get(node.id) ?? []).map((one) => <Text key={one.message} size="sm" c="var(--legato-warn)">{one.message}</Text>)}
      <Id editor={editor} node={node} />
      <Paths editor={editor} node={node} />
      {node.do && <Button size="compact-sm" variant="default" w="fit-content" onClick={() => onOpen(node.id)}>{words.body}</Button>}
      <SchemaForm {...shared} without={[...APART, ...LATER]} />
      <details>
        <summary style={{ fontSize: 'var(--mantine-font-size-sm)', cursor: 'pointer', marginBottom: 8 }}>{words.more}</summary>
        <SchemaForm {...shared} only={LATER} />
      </details>
    </Stack>
  );
}

function Id({ editor, node }: { editor: Editor; node: FlowNode }) {
  const [typed, setTyped] = useState(node.id);
  const free = typed === node.id || !everyNode(editor.definition).some((one) => one.id === typed);
  const bad = !ID.test(typed) || !free;
  const take = () => {
    if (bad || typed === node.id) return setTyped(node.id);
    editor.change((had) => rename(had, node.id, typed));
    editor.select([typed]);
  };
  return <TextInput label={words.id} value={typed} error={bad && words.badId} onChange={(event) => setTyped(event.currentTarget.value)} onBlur={take} onKeyDown={(event) => event.key === 'Enter' && take()} spellCheck={false} />;
}

function Paths({ editor, node }: { editor: Editor; node: FlowNode }) {
  const paths = (node.after ?? []).map(pathOf);
  const options = editor.graph.nodes.filter((one) => pathProblem(editor.graph, one.id, node.id) === null)
    .flatMap((one) => portsOf(one).map((port) => `${one.id}:${port}`)).filter((one) => !paths.some((path) => `${path.node}:${path.port}` === one));
  const [chosen, setChosen] = useState('');
  const wanted = options.includes(chosen) ? chosen : (options[0] ?? '');
  return (
    <Stack gap={4}>
      <Text size="sm" fw={500}>{words.comesAfter}</Text>
      {paths.length === 0 && <Text size="xs" c="dimmed">{words.first}</Text>}
      {paths.map((path) => (
        <Group key={`${path.node}:${path.port}`} gap="xs" justify="space-between" wrap="nowrap">
          <Text size="sm" style={{ overflowWrap: 'anywhere' }}>{path.node}:{path.port}</Text>
          <Button size="compact-xs" variant="default" aria-label={words.cut(`${path.node}:${path.port}`)} onClick={() => editor.change((had) => disconnect(had, path.node, path.port, node.id))}>✕</Button>
        </Group>
      ))}
      {options.length > 0 && (
        <Group gap="xs" wrap="nowrap">
          <NativeSelect size="xs" aria-label={words.addPath} data={options} value={wanted} onChange={(event) => setChosen(event.currentTarget.value)} flex={1} />
          <Button size="compact-sm" variant="default" onClick={() => { const { node: from, port } = pathOf(wanted); editor.change((had) => connect(had, from, port, node.id)); }}>{words.add}</Button>
        </Group>
      )}
    </Stack>
  );
}
