// Definitions of workflows as the registry keeps them; docs/reference/workflows.md says what they mean.

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export interface FlowNode {
  id: string;
  kind: string;
  title?: string;
  after?: string[];
  at?: { x: number; y: number };
  do?: Graph;
  [field: string]: unknown;
}

export interface Graph {
  nodes: FlowNode[];
  output?: unknown;
}

export interface Definition extends Graph {
  title?: string;
  description?: string;
  input?: Record<string, unknown>;
  [field: string]: unknown;
}

export const DONE = 'done';
export const ERROR = 'error';

/** The node and the port that a path begins at. */
export function pathOf(after: string): { node: string; port: string } {
  const [node = '', port = DONE] = after.split(':');
  return { node, port };
}

export const pathTo = (node: string, port: string) => (port === DONE ? node : `${node}:${port}`);

interface Named {
  port?: string;
}

const named = (value: unknown): string[] =>
  Array.isArray(value) ? value.map((one: Named) => one?.port ?? '').filter(Boolean) : [];

/** The ports that a node can end at, its default first; `error` is the last. As `ports_of` of the server. */
export function portsOf(node: FlowNode): string[] {
  const below = named((node.confidence as { below?: Named[] } | undefined)?.below);
  return [...new Set([...ownPorts(node), ...below, ERROR])];
}

function ownPorts(node: FlowNode): string[] {
  const late = node.deadline_s === undefined || node.deadline_s === null ? [] : ['expired'];
  switch (node.kind) {
    case 'classify':
      return [...named(node.choices), ...(node.otherwise ? [String(node.otherwise)] : [])];
    case 'switch':
      return [...named(node.cases), String(node.otherwise ?? 'otherwise')];
    case 'aggregate':
      return node.how === 'vote' && Number(node.agree ?? 0) > 0 ? [DONE, 'disagreed'] : [DONE];
    case 'agent':
      return [DONE, 'limit', 'refused'];
    case 'validate':
      return [DONE, 'invalid'];
    case 'repeat':
      return [DONE, 'limit'];
    case 'listen':
      return [DONE, ...late];
    case 'human':
      if (node.ask === 'choose') return [...named(node.choices), ...late];
      return [...(node.ask === 'form' ? [DONE] : ['approved', 'rejected']), ...late];
    case 'raise':
      return [];
    default:
      return [DONE];
  }
}

/** All nodes, those of bodies too. */
export function everyNode(graph: Graph): FlowNode[] {
  return graph.nodes.flatMap((node) => [node, ...(node.do ? everyNode(node.do) : [])]);
}

/** The graph that a way of ids leads into: each is a node with a body. */
export function graphAt(definition: Graph, way: string[]): Graph | null {
  let graph: Graph | undefined = definition;
  for (const id of way) graph = graph?.nodes.find((node) => node.id === id)?.do;
  return graph ?? null;
}

/** The definition with the graph at a way replaced. */
export function withGraph<T extends Graph>(definition: T, way: string[], change: (graph: Graph) => Graph): T {
  const [first, ...rest] = way;
  if (first === undefined) return change(definition) as T;
  const nodes = definition.nodes.map((node) => (node.id === first && node.do ? { ...node, do: withGraph(node.do, rest, change) } : node));
  return { ...definition, nodes };
}

/** Nodes that stand before one, however far. */
export function before(graph: Graph, id: string): Set<string> {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const found = new Set<string>();
  const open = [id];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const path of nodes.get(at)?.after ?? []) {
      const { node } = pathOf(path);
      if (!found.has(node) && nodes.has(node)) {
        found.add(node);
        open.push(node);
      }
    }
  }
  return found;
}
