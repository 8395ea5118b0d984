// What can be done to a graph. Each returns a new one; nothing is changed in place.

import { type FlowNode, type Graph, before, everyNode, pathOf, pathTo } from './definition';

const STEPS = /\bsteps\.([a-z][a-z0-9_]*)/g;

export function addNode(graph: Graph, node: FlowNode): Graph {
  return { ...graph, nodes: [...graph.nodes, node] };
}

export function changeNode(graph: Graph, id: string, patch: Partial<FlowNode>): Graph {
  const changed = (node: FlowNode) => {
    const next: FlowNode = { ...node, ...patch };
    for (const [name, value] of Object.entries(patch)) if (value === undefined) delete next[name];
    return next;
  };
  return { ...graph, nodes: graph.nodes.map((node) => (node.id === id ? changed(node) : node)) };
}

/** Take nodes out, with the paths that began at them. */
export function removeNodes(graph: Graph, ids: Iterable<string>): Graph {
  const gone = new Set(ids);
  return {
    ...graph,
    nodes: graph.nodes.filter((node) => !gone.has(node.id)).map((node) => withAfter(node, (node.after ?? []).filter((path) => !gone.has(pathOf(path).node)))),
  };
}

/** Why a path can't be drawn; null where it can. */
export function pathProblem(graph: Graph, from: string, to: string): 'self' | 'circle' | null {
  if (from === to) return 'self';
  return before(graph, from).has(to) ? 'circle' : null;
}

export function connect(graph: Graph, from: string, port: string, to: string): Graph {
  const path = pathTo(from, port);
  return eachNode(graph, (node) => (node.id === to && !has(node, path) ? withAfter(node, [...(node.after ?? []), path]) : node));
}

export function disconnect(graph: Graph, from: string, port: string, to: string): Graph {
  const same = (path: string) => pathOf(path).node === from && pathOf(path).port === port;
  return eachNode(graph, (node) => (node.id === to ? withAfter(node, (node.after ?? []).filter((path) => !same(path))) : node));
}

/** Give a node another id, wherever it is named: in paths, in expressions, in lists of nodes. */
export function rename(graph: Graph, from: string, to: string): Graph {
  return eachNode(graph, (node) => {
    const { after, ...rest } = node;
    const read = replaced(rest, from, to) as FlowNode;
    const paths = after?.map((path) => (pathOf(path).node === from ? pathTo(to, pathOf(path).port) : path));
    const lists = Object.fromEntries(
      ['of', 'not_by'].filter((field) => Array.isArray(node[field])).map((field) => [field, (node[field] as string[]).map((one) => (one === from ? to : one))]),
    );
    return { ...read, ...(paths ? { after: paths } : {}), ...lists, id: node.id === from ? to : node.id };
  });
}

/** Copies of nodes under ids that are free, with the paths and expressions among themselves. */
export function pasted(graph: Graph, copied: FlowNode[], taken: Iterable<string>, shift = 40): { graph: Graph; ids: string[] } {
  const used = new Set(taken);
  const ids = new Map<string, string>();
  for (const node of copied) {
    const id = freeId(node.id, used);
    used.add(id);
    ids.set(node.id, id);
  }
  let part: Graph = { nodes: structuredClone(copied) };
  for (const [from, to] of ids) part = rename(part, from, to === from ? from : `zz_${to}`);
  for (const [from, to] of ids) part = rename(part, to === from ? from : `zz_${to}`, to);
  const fresh = new Set(ids.values());
  const nodes = part.nodes.map((node) => ({
    ...withAfter(node, (node.after ?? []).filter((path) => fresh.has(pathOf(path).node))),
    ...(node.at ? { at: { x: node.at.x + shift, y: node.at.y + shift } } : {}),
    ...(node.do ? { do: freshBody(node.do, used) } : {}),
  }));
  return { graph: { ...graph, nodes: [...graph.nodes, ...nodes] }, ids: [...fresh] };
}

function freshBody(body: Graph, used: Set<string>): Graph {
  let graph = body;
  for (const node of everyNode(body)) {
    const id = freeId(node.id, used);
    used.add(id);
    graph = renameDeep(graph, node.id, id);
  }
  return graph;
}

function renameDeep(graph: Graph, from: string, to: string): Graph {
  const renamed = rename(graph, from, to);
  return eachNode(renamed, (node) => (node.do ? { ...node, do: renameDeep(node.do, from, to) } : node));
}

/** An id that nothing has: `ask`, `ask_2`, `ask_3`. */
export function freeId(wanted: string, taken: Set<string>): string {
  if (!taken.has(wanted)) return wanted;
  const stem = wanted.replace(/_\d+$/, '');
  for (let number = 2; ; number++) if (!taken.has(`${stem}_${number}`)) return `${stem}_${number}`;
}

const eachNode = (graph: Graph, change: (node: FlowNode) => FlowNode): Graph => ({ ...graph, nodes: graph.nodes.map(change) });

const has = (node: FlowNode, path: string) => (node.after ?? []).some((one) => pathOf(one).node === pathOf(path).node && pathOf(one).port === pathOf(path).port);

function withAfter(node: FlowNode, after: string[]): FlowNode {
  const { after: _, ...rest } = node;
  return (after.length ? { ...rest, after } : rest) as FlowNode;
}

function replaced(value: unknown, from: string, to: string): unknown {
  if (typeof value === 'string') return value.replace(STEPS, (found, id: string) => (id === from ? `steps.${to}` : found));
  if (Array.isArray(value)) return value.map((one) => replaced(one, from, to));
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, replaced(one, from, to)]));
  return value;
}
