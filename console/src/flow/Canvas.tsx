import '@xyflow/react/dist/style.css';
import { useComputedColorScheme } from '@mantine/core';
import { Background, type Connection, Controls, type Edge, type EdgeChange, Handle, MarkerType, MiniMap, type Node, type NodeChange, type NodeProps, Position, ReactFlow, type ReactFlowInstance, applyNodeChanges, useStore } from '@xyflow/react';
import { type DragEvent, type RefObject, memo, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { canvas as words } from '../strings/canvas';
import { runs as runWords } from '../strings/workflow-runs';
import classes from './Canvas.module.css';
import { type FlowNode, type Graph, pathOf, portsOf } from './definition';
import { WIDTH, heightOf, laidOut } from './layout';

/** What is told of a node beside its definition. */
export interface Told {
  /** How far it came in a run. */
  state?: string | undefined;
  port?: string | undefined;
  /** Two short facts, at the right and the left of its second line. */
  left?: string | undefined;
  right?: string | undefined;
  problems?: number | undefined;
  change?: string | undefined;
}

export interface Moves {
  onMove: (places: Map<string, { x: number; y: number }>) => void;
  onConnect: (from: string, port: string, to: string) => void;
  onDisconnect: (paths: { from: string; port: string; to: string }[]) => void;
  onRemove: (ids: string[]) => void;
  onDropKind: (kind: string, at: { x: number; y: number }) => void;
  allows: (from: string, to: string) => boolean;
}

interface CanvasProps {
  graph: Graph;
  told?: ReadonlyMap<string, Told>;
  selected?: readonly string[];
  onSelect?: (ids: string[]) => void;
  onOpen?: (id: string) => void;
  /** Left out: it is only looked at. */
  moves?: Moves;
  height?: number | string;
}

type Drawn = Node<{ node: FlowNode; told: Told | undefined }, 'step'>;

const NOTHING: ReadonlyMap<string, Told> = new Map();
const MANY = 80;
const SETTLE_MS = 60;
/** Below this zoom no word can be read, so none is painted. */
const READABLE = 0.35;

const Step = memo(function Step({ data, selected, isConnectable }: NodeProps<Drawn>) {
  const { node, told } = data;
  const faint = told?.state === 'skipped' || told?.change === 'removed';
  return (
    <div className={classes.node} data-selected={selected ? '' : undefined} data-state={told?.state} data-problem={told?.problems ? '' : undefined} data-change={told?.change} data-faint={faint ? '' : undefined}>
      <Handle type="target" position={Position.Left} isConnectable={isConnectable} />
      <div className={classes.head}>
        <div className={classes.name}>{node.title || node.id}</div>
        <div className={classes.told}>
          <span>{words.kinds[node.kind] ?? node.kind}{told?.left ? ` · ${told.left}` : ''}</span>
          {told?.problems ? <span className={classes.bad}>{words.problems(told.problems)}</span> : <span className="figures">{told?.right ?? (told?.change ? words.changes[told.change] : '')}</span>}
        </div>
      </div>
      {portsOf(node).map((port) => (
        <div key={port} className={classes.port} data-taken={told?.port === port ? '' : undefined}>
          {port}
          <Handle id={port} type="source" position={Position.Right} isConnectable={isConnectable} />
        </div>
      ))}
    </div>
  );
});

/** Says on the frame that one is too far away to read. */
function Distance({ frame }: { frame: RefObject<HTMLDivElement | null> }) {
  const far = useStore((state) => state.transform[2] < READABLE);
  useEffect(() => {
    frame.current?.toggleAttribute('data-far', far);
  }, [frame, far]);
  return null;
}

const nodeTypes = { step: Step };

function drawnNode(node: FlowNode, told: Told | undefined, selected: boolean): Drawn {
  const facts = [told?.state ? (runWords.states[told.state] ?? told.state) : '', told?.problems ? words.problems(told.problems) : '', told?.left ?? '', told?.right ?? ''].filter(Boolean).join(', ');
  return {
    id: node.id,
    type: 'step',
    position: node.at ?? { x: 0, y: 0 },
    data: { node, told },
    selected,
    width: WIDTH,
    initialHeight: heightOf(node),
    ariaLabel: words.node(node.title || node.id, words.kinds[node.kind] ?? node.kind, facts),
  };
}

function drawnEdges(graph: Graph, told: ReadonlyMap<string, Told>): Edge[] {
  const known = new Map(graph.nodes.map((node) => [node.id, node]));
  return graph.nodes.flatMap((node) =>
    (node.after ?? []).flatMap((path) => {
      const { node: from, port } = pathOf(path);
      const source = known.get(from);
      if (!source || !portsOf(source).includes(port)) return [];
      const taken = told.get(from)?.port === port;
      return [{
        id: `${from}:${port}>${node.id}`, source: from, sourceHandle: port, target: node.id,
        markerEnd: { type: MarkerType.ArrowClosed },
        ariaLabel: words.edge(from, port, node.id),
        ...(taken ? { style: { strokeWidth: 2.5, stroke: 'var(--legato-good)' } } : {}),
      }];
    }),
  );
}

/** The graph of a workflow, to look at or to draw. Arrow keys move what is chosen, Delete takes it out. */
export default function Canvas({ graph: given, told = NOTHING, selected, onSelect, onOpen, moves, height = 560 }: CanvasProps) {
  const dark = useComputedColorScheme('light') === 'dark';
  const graph = useMemo(() => laidOut(given), [given]);
  const chosen = useMemo(() => new Set(selected), [selected]);
  const flow = useRef<ReactFlowInstance<Drawn> | null>(null);
  const frame = useRef<HTMLDivElement>(null);
  const wanted = useMemo(() => graph.nodes.map((node) => drawnNode(node, told.get(node.id), chosen.has(node.id))), [graph, told, chosen]);
  const [held, setHeld] = useState<ReadonlySet<string>>(new Set());
  const edges = useMemo(() => drawnEdges(graph, told).map((one) => (held.has(one.id) ? { ...one, selected: true } : one)), [graph, told, held]);
  const onEdgesChange = useCallback((changes: EdgeChange[]) => {
    const chosen = changes.flatMap((one) => (one.type === 'select' ? [one] : []));
    if (chosen.length) setHeld((had) => new Set([...had, ...chosen.map((one) => one.id)].filter((id) => chosen.find((one) => one.id === id)?.selected ?? true)));
  }, []);
  const [nodes, setNodes] = useState<Drawn[]>(wanted);
  useEffect(() => {
    setNodes((had) => {
      const before = new Map(had.map((one) => [one.id, one]));
      return wanted.map((one) => {
        const was = before.get(one.id);
        return was ? { ...was, ...one } : one;
      });
    });
  }, [wanted]);

  // Another width of the frame: all of it stays in sight, until somebody moves it.
  const moved = useRef(false);
  useEffect(() => {
    const watcher = new ResizeObserver(() => moved.current || void flow.current?.fitView({ maxZoom: 1, padding: 0.12 }));
    if (frame.current) watcher.observe(frame.current);
    return () => watcher.disconnect();
  }, []);

  // What was added is brought into sight with the rest.
  const count = graph.nodes.length;
  const had = useRef(count);
  useEffect(() => {
    if (count <= had.current || count > MANY) {
      had.current = count;
      return;
    }
    had.current = count;
    const timer = setTimeout(() => void flow.current?.fitView({ maxZoom: 1, padding: 0.12 }), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [count]);

  const onNodesChange = useCallback((changes: NodeChange<Drawn>[]) => {
    setNodes((had) => applyNodeChanges(changes, had));
    const settled = changes.filter((one) => one.type === 'position' && one.position && one.dragging === false);
    if (moves && settled.length) moves.onMove(new Map(settled.flatMap((one) => (one.type === 'position' && one.position ? [[one.id, { x: Math.round(one.position.x), y: Math.round(one.position.y) }]] : []))));
    if (onSelect && changes.some((one) => one.type === 'select')) {
      const next = new Set(chosen);
      for (const one of changes) if (one.type === 'select') one.selected ? next.add(one.id) : next.delete(one.id);
      onSelect([...next]);
    }
  }, [moves, onSelect, chosen]);

  const onConnect = (made: Connection) => moves?.onConnect(made.source, made.sourceHandle ?? 'done', made.target);
  const drop = (event: DragEvent) => {
    const kind = event.dataTransfer.getData('application/x-legato-kind');
    if (!kind || !moves || !flow.current) return;
    event.preventDefault();
    moves.onDropKind(kind, flow.current.screenToFlowPosition({ x: event.clientX, y: event.clientY }));
  };
  const many = nodes.length > MANY;
  return (
    <div ref={frame} className={classes.frame} style={{ height }} onDragOver={(event) => moves && event.preventDefault()} onDrop={drop}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        onInit={(one) => { flow.current = one; }}
        onMoveEnd={(event) => { moved.current ||= event !== null; }}
        onNodesChange={onNodesChange}
        onEdgesChange={onEdgesChange}
        onConnect={onConnect}
        isValidConnection={(one) => moves?.allows(one.source, one.target) ?? false}
        onDelete={({ nodes: gone, edges: cut }) => {
          if (!moves) return;
          const ids = new Set(gone.map((one) => one.id));
          const paths = cut.filter((one) => !ids.has(one.source) && !ids.has(one.target)).map((one) => ({ from: one.source, port: one.sourceHandle ?? 'done', to: one.target }));
          if (paths.length) moves.onDisconnect(paths);
          if (ids.size) moves.onRemove([...ids]);
        }}
        onNodeDoubleClick={(_, one) => onOpen?.(one.id)}
        nodesDraggable={moves !== undefined}
        nodesConnectable={moves !== undefined}
        edgesFocusable={moves !== undefined}
        elementsSelectable={onSelect !== undefined}
        deleteKeyCode={moves ? ['Delete', 'Backspace'] : null}
        onlyRenderVisibleElements={many}
        colorMode={dark ? 'dark' : 'light'}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.12 }}
        minZoom={0.05}
        proOptions={{ hideAttribution: true }}
        aria-label={words.label}
      >
        <Distance frame={frame} />
        <Background gap={20} />
        <Controls showInteractive={false} />
        {nodes.length > 12 && <MiniMap pannable zoomable ariaLabel={null} />}
      </ReactFlow>
    </div>
  );
}
