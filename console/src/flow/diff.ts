import { type FlowNode, type Graph, everyNode } from './definition';

export type Change = 'added' | 'removed' | 'changed' | 'moved';

export interface GraphDiff {
  nodes: Map<string, Change>;
  /** Of each changed node, which of its fields differ. */
  fields: Map<string, string[]>;
}

/** What a graph changes, seen from another: nodes by id, those of bodies too. */
export function diffOf(before: Graph, after: Graph): GraphDiff {
  const had = new Map(everyNode(before).map((node) => [node.id, node]));
  const has = new Map(everyNode(after).map((node) => [node.id, node]));
  const nodes = new Map<string, Change>();
  const fields = new Map<string, string[]>();
  for (const id of had.keys()) if (!has.has(id)) nodes.set(id, 'removed');
  for (const [id, node] of has) {
    const was = had.get(id);
    if (!was) {
      nodes.set(id, 'added');
      continue;
    }
    const different = fieldsThatDiffer(was, node);
    if (different.length === 0) continue;
    fields.set(id, different);
    nodes.set(id, different.every((field) => field === 'at') ? 'moved' : 'changed');
  }
  return { nodes, fields };
}

function fieldsThatDiffer(was: FlowNode, now: FlowNode): string[] {
  const names = new Set([...Object.keys(was), ...Object.keys(now)]);
  names.delete('do'); // its nodes are told by themselves
  return [...names].filter((name) => canonical(was[name]) !== canonical(now[name])).sort();
}

/** JSON with the names of objects in order. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, one]) => one !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}
