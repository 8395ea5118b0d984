import { Button, Group, Menu, SegmentedControl, Stack, Tabs, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useState } from 'react';
import { answer, api } from '../../api/client';
import { useFollowedRun } from '../../api/follow';
import { useMay } from '../../api/session';
import { Page } from '../../components/Page';
import Canvas, { type Moves, type Told } from '../../flow/Canvas';
import type { Definition } from '../../flow/definition';
import { type GraphDiff } from '../../flow/diff';
import { changeNode, connect, disconnect, pathProblem } from '../../flow/edit';
import { AREAS } from '../../flow/kinds';
import { laidOut } from '../../flow/layout';
import type { Pin } from '../../flow/trial';
import { builder as words } from '../../strings/builder';
import { canvas as canvasWords } from '../../strings/canvas';
import { useUrl } from '../../url';
import { toldOf } from '../workflow-runs/told';
import { ENDED, type RunDetail } from '../workflow-runs/parts';
import classes from './Editor.module.css';
import { Figures } from './Figures';
import { NodeList } from './NodeList';
import { NodePanel } from './NodePanel';
import { Save } from './Save';
import { Trial } from './Trial';
import { Versions } from './Versions';
import { WholePanel } from './WholePanel';
import { Yaml } from './Yaml';
import { nanoDollars } from './cost';
import { download } from './download';
import { forgetDraft } from './drafts';
import type { Format } from './format';
import { useChecked } from './useChecked';
import { useEditor } from './useEditor';

interface EditorProps {
  name: string;
  first: Definition;
  saved: boolean;
  format: Format;
}

const FORMATS = [['yaml', 'YAML', 'yaml'], ['json', 'JSON', 'json'], ['serverless-workflow', 'Serverless Workflow', 'sw.yaml'], ['mermaid', 'Mermaid', 'mmd'], ['python', 'Python', 'py']] as const;

/** The canvas with all that belongs to it. */
export function Editor({ name, first, saved, format }: EditorProps) {
  const model = useMemo(() => /"model":"([^"]+)"/.exec(JSON.stringify(first))?.[1] ?? '', [first]);
  const editor = useEditor(first, model);
  const { definition, graph, way, selected } = editor;
  const [kept, setKept] = useState<Definition | null>(saved ? first : null);
  const [saving, setSaving] = useState(false);
  const [diff, setDiff] = useState<GraphDiff | null>(null);
  const [runId, setRunId] = useState<string | null>(null);
  const [pins, setPins] = useState<ReadonlyMap<string, Pin>>(new Map());
  const [input, setInput] = useState<unknown>(undefined);
  const [search, change] = useUrl();
  const view = search.view ?? 'canvas';
  const panel = search.panel ?? 'node';
  const may = useMay();
  const { checked, problems, hints, cost } = useChecked(definition);
  const run = useTrialRun(runId);

  const told = useMemo(() => {
    const found = new Map<string, Told>();
    const ran = run ? toldOf(run) : new Map<string, Told>();
    const costs = new Map(cost?.nodes.map((one) => [one.node, one.cost_nano_usd.likely]));
    for (const node of graph.nodes) {
      const expected = costs.get(node.id);
      found.set(node.id, {
        ...(expected ? { right: `≈ ${nanoDollars(expected)}` } : {}),
        ...(pins.has(node.id) ? { state: 'pinned', left: words.trial.pinned } : {}),
        ...ran.get(node.id),
        problems: problems.get(node.id)?.length,
        change: diff?.nodes.get(node.id),
      });
    }
    return found;
  }, [graph, run, cost, problems, diff, pins]);

  const moves = useMemo<Moves>(() => ({
    onMove: (places) => editor.change((had) => [...places].reduce((made, [id, at]) => changeNode(made, id, { at }), laidOut(had)), 'move'),
    onConnect: (from, port, to) => editor.change((had) => connect(laidOut(had), from, port, to)),
    onDisconnect: (paths) => editor.change((had) => paths.reduce((made, one) => disconnect(made, one.from, one.port, one.to), laidOut(had))),
    onRemove: editor.remove,
    onDropKind: editor.add,
    allows: (from, to) => pathProblem(graph, from, to) === null,
  }), [editor, graph]);

  // On the document: what had the focus may just have been deleted.
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const elsewhere = event.target instanceof Element && event.target.closest('input, textarea, select, [role="dialog"]');
      if (!(event.ctrlKey || event.metaKey) || elsewhere || globalThis.getSelection()?.type === 'Range') return;
      const acts: Record<string, () => void> = { z: event.shiftKey ? editor.redo : editor.undo, Z: editor.redo, y: editor.redo, c: editor.copy, v: editor.paste };
      const act = acts[event.key];
      if (!act) return;
      event.preventDefault();
      act();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [editor]);
  const open = (id: string) => graph.nodes.find((node) => node.id === id)?.do && editor.enter([...way, id]);
  const exported = async (form: string, ending: string) => {
    const made = await answer(api.POST('/api/v1/workflows/export', { body: { format: form as 'yaml', definition: definition as never, workflow: '' } }));
    download(`${name}.${ending}`, made.text);
  };
  const dirty = kept !== definition;
  const actions = (
    <>
      <SegmentedControl aria-label={words.view} data={Object.entries(words.views).map(([value, label]) => ({ value, label }))} value={view} onChange={(next) => change({ view: next === 'canvas' ? undefined : next })} />
      <Menu>
        <Menu.Target><Button variant="default">{words.export}</Button></Menu.Target>
        <Menu.Dropdown>{FORMATS.map(([form, label, ending]) => <Menu.Item key={form} onClick={() => void exported(form, ending)}>{label}</Menu.Item>)}</Menu.Dropdown>
      </Menu>
      {may('registry:version:create') && <Button disabled={!dirty} onClick={() => setSaving(true)}>{words.save}</Button>}
    </>
  );
  const about = [
    checked.data ? (checked.data.valid ? words.valid : canvasWords.problems(checked.data.problems.length)) : '',
    cost ? words.expected(nanoDollars(cost.cost_nano_usd.likely), nanoDollars(cost.cost_nano_usd.low), nanoDollars(cost.cost_nano_usd.high)) : '',
    cost?.unpriced.length ? words.unpriced(cost.unpriced.join(', ')) : '',
    dirty ? words.unsaved : '',
  ].filter(Boolean).join(' · ');
  const panels = {
    node: <NodePanel editor={editor} format={format} problems={problems} hints={hints} run={run} pins={pins} input={input} onOpen={open} />,
    whole: <WholePanel editor={editor} format={format} problems={problems} hints={hints} />,
    trial: <Trial editor={editor} name={name} run={run} pins={pins} setPins={setPins} input={input} setInput={setInput} onRun={setRunId} />,
    versions: <Versions editor={editor} name={name} diff={diff} setDiff={setDiff} setKept={setKept} />,
    ...(may('control:ledger:read') ? { figures: <Figures name={name} /> } : {}),
  };
  return (
    <>
      <Page title={name} about={about} actions={actions}>
        <Group gap="xs">
          <Button size="compact-sm" variant="default" disabled={editor.history.past.length === 0} onClick={editor.undo}>{words.undo}</Button>
          <Button size="compact-sm" variant="default" disabled={editor.history.future.length === 0} onClick={editor.redo}>{words.redo}</Button>
          <Button size="compact-sm" variant="default" onClick={() => editor.change((had) => laidOut(had, true))}>{words.arrange}</Button>
          <Button size="compact-sm" variant="default" disabled={selected.length === 0} onClick={editor.copy}>{words.copy}</Button>
          <Button size="compact-sm" variant="default" disabled={!editor.mayPaste} onClick={editor.paste}>{words.paste}</Button>
          <Button size="compact-sm" variant="default" disabled={selected.length === 0} onClick={() => editor.remove(selected)}>{words.remove}</Button>
          {way.length > 0 && [[], ...way.map((_, index) => way.slice(0, index + 1))].map((one) => (
            <Button key={one.join('/')} size="compact-sm" variant={one.length === way.length ? 'light' : 'subtle'} onClick={() => editor.enter(one)}>{one.at(-1) ?? words.whole}</Button>
          ))}
        </Group>
        <div className={classes.grid}>
          <Palette onAdd={(kind) => editor.add(kind)} />
          <Stack gap={6}>
            {view === 'yaml' ? <Yaml editor={editor} /> : view === 'list' ? <NodeList editor={editor} problems={problems} costs={cost?.nodes ?? []} /> : (
              <Canvas key={way.join('/')} graph={graph} told={told} selected={selected} onSelect={editor.select} onOpen={open} moves={moves} height={640} />
            )}
            <Text size="xs" c="dimmed">{words.keys}</Text>
          </Stack>
          <div className={classes.side}>
            <Tabs value={panel} onChange={(next) => change({ panel: next === 'node' ? undefined : (next ?? undefined) })} keepMounted={false} styles={{ tab: { paddingInline: 8 } }}>
              <Tabs.List mb="sm">{Object.keys(panels).map((value) => <Tabs.Tab key={value} value={value}>{words.panels[value]}</Tabs.Tab>)}</Tabs.List>
              {Object.entries(panels).map(([value, shown]) => <Tabs.Panel key={value} value={value}>{shown}</Tabs.Panel>)}
            </Tabs>
          </div>
        </div>
      </Page>
      {saving && <Save name={name} definition={definition} onClose={() => setSaving(false)} onSaved={() => { forgetDraft(name); setKept(definition); }} />}
    </>
  );
}

function useTrialRun(id: string | null): RunDetail | undefined {
  const run = useQuery({
    queryKey: ['workflow-run', id],
    queryFn: () => answer(api.GET('/api/v1/workflow-runs/{run_id}', { params: { path: { run_id: id ?? '' } } })) as Promise<RunDetail>,
    enabled: id !== null,
    meta: { topics: ['spend'] },
  });
  useFollowedRun(id ?? '', id !== null && run.data !== undefined && !ENDED.has(run.data.run.status));
  return id === null ? undefined : run.data;
}

function Palette({ onAdd }: { onAdd: (kind: string) => void }) {
  return (
    <nav className={classes.palette} aria-label={words.palette} title={words.paletteHint}>
      {AREAS.map(([area, kinds]) => (
        <div key={area}>
          <p className={classes.area}>{canvasWords.areas[area]}</p>
          {kinds.map((kind) => (
            <button key={kind} type="button" className={classes.kind} draggable onDragStart={(event) => event.dataTransfer.setData('application/x-legato-kind', kind)} onClick={() => onAdd(kind)}>{canvasWords.kinds[kind]}</button>
          ))}
        </div>
      ))}
    </nav>
  );
}
