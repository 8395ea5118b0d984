import { useCallback, useMemo, useState } from 'react';
import { type Definition, type FlowNode, type Graph, everyNode, graphAt, portsOf, withGraph } from '../../flow/definition';
import { addNode, connect, freeId, pasted, removeNodes } from '../../flow/edit';
import { type History, begun, done, redone, undone } from '../../flow/history';
import { newNode } from '../../flow/kinds';
import { WIDTH, laidOut } from '../../flow/layout';

let copied: FlowNode[] = [];

/** The definition that is drawn, where in it one is, what is chosen, and how it is changed. */
export function useEditor(first: Definition, model: string) {
  const [history, setHistory] = useState<History<Definition>>(() => begun(first));
  const [wanted, setWay] = useState<string[]>([]);
  const [chosen, setChosen] = useState<string[]>([]);
  const [has, setHas] = useState(copied.length > 0);
  const definition = history.present;
  const way = useMemo(() => (graphAt(definition, wanted) ? wanted : []), [definition, wanted]);
  const graph = graphAt(definition, way) ?? definition;
  const selected = useMemo(() => chosen.filter((id) => graph.nodes.some((node) => node.id === id)), [chosen, graph]);

  const replace = useCallback((next: Definition, field = '') => setHistory((had) => done(had, next, field)), []);
  const change = useCallback((work: (graph: Graph) => Graph, field = '') => setHistory((had) => done(had, withGraph(had.present, graphAt(had.present, wanted) ? wanted : [], work), field)), [wanted]);
  const taken = () => new Set(everyNode(definition).map((node) => node.id));

  return {
    definition, graph, way, selected, history, replace, change,
    select: useCallback((ids: string[]) => setChosen((had) => (had.length === ids.length && had.every((one) => ids.includes(one)) ? had : ids)), []),
    enter: (next: string[]) => {
      setWay(next);
      setChosen([]);
    },
    undo: () => setHistory(undone),
    redo: () => setHistory(redone),
    add: (kind: string, at?: { x: number; y: number }) => {
      const id = freeId(kind, taken());
      const from = at ? undefined : graph.nodes.find((node) => node.id === selected[0]);
      change((had) => {
        const placed = laidOut(had);
        const source = from && placed.nodes.find((node) => node.id === from.id);
        const below = Math.max(0, ...placed.nodes.map((node) => (node.at?.y ?? 0) + 140));
        const spot = at ?? (source?.at ? { x: source.at.x + WIDTH + 84, y: source.at.y } : { x: 0, y: below });
        const made = addNode(placed, { ...newNode(kind, id, model), at: { x: Math.round(spot.x), y: Math.round(spot.y) } } as FlowNode);
        return from && from.kind !== 'raise' ? connect(made, from.id, firstPort(from), id) : made;
      });
      setChosen([id]);
    },
    remove: (ids: string[]) => change((had) => (ids.length < had.nodes.length ? removeNodes(laidOut(had), ids) : had)),
    copy: () => {
      copied = structuredClone(laidOut(graph).nodes.filter((node) => selected.includes(node.id)));
      setHas(copied.length > 0);
    },
    mayPaste: has,
    paste: () => {
      if (copied.length === 0) return;
      const { ids } = pasted(graph, copied, taken());
      change((had) => pasted(laidOut(had), copied, taken()).graph);
      setChosen(ids);
    },
  };
}

export type Editor = ReturnType<typeof useEditor>;

const firstPort = (node: FlowNode) => portsOf(node)[0] ?? 'done';
