// Trials of a draft with pinned outputs: what is pinned isn't done, its output is given instead.

import { type Definition, type FlowNode, type Graph, before, pathOf } from './definition';

export interface Pin {
  output: unknown;
  port: string;
}

/** The definition in which pinned nodes only give what they are pinned to. */
export function withPins(definition: Definition, pins: ReadonlyMap<string, Pin>): Definition {
  const nodes = definition.nodes.map((node) => {
    const after = node.after?.map((path) => {
      const { node: source, port } = pathOf(path);
      const pin = pins.get(source);
      if (!pin) return path;
      return port === pin.port ? source : `${source}:error`; // one that gives a value never ends at `error`
    });
    const pin = pins.get(node.id);
    const kept = pin ? pinned(node, pin) : node;
    return after ? { ...kept, after } : kept;
  });
  return { ...definition, nodes };
}

/** One node alone, after those that it stands behind: what isn't pinned of them is null. */
export function alone(definition: Definition, id: string, pins: ReadonlyMap<string, Pin>): Definition {
  const node = definition.nodes.find((one) => one.id === id);
  if (!node) return definition;
  const behind = before(definition as Graph, id);
  const sources = definition.nodes.filter((one) => behind.has(one.id) && pins.has(one.id)).map((one) => ({ ...pinned(one, pins.get(one.id) as Pin), after: [] as string[] }));
  const { after: _, when: __, ...rest } = node;
  const tried = { ...rest, after: sources.map((one) => one.id) } as FlowNode;
  const { output: ___, outcome: ____, triggers: _____, ...whole } = definition;
  return { ...whole, nodes: [...sources, tried].map((one) => (one.after?.length ? one : without(one, 'after'))) };
}

function pinned(node: FlowNode, pin: Pin): FlowNode {
  return { id: node.id, kind: 'set', ...(node.title ? { title: node.title } : {}), ...(node.at ? { at: node.at } : {}), ...(node.after ? { after: node.after } : {}), value: quoted(pin.output) };
}

/** What is given is data: nothing in it is an expression. */
function quoted(value: unknown): unknown {
  if (typeof value === 'string') return value.split('${').join('$${');
  if (Array.isArray(value)) return value.map(quoted);
  if (value !== null && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, quoted(one)]));
  return value ?? null;
}

function without(node: FlowNode, field: string): FlowNode {
  const { [field]: _, ...rest } = node;
  return rest as FlowNode;
}
