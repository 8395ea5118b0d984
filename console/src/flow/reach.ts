import { type FlowNode, type Graph, before } from './definition';

type Schema = { type?: unknown; properties?: Record<string, Schema>; items?: Schema; default?: unknown; enum?: unknown[]; minimum?: number; examples?: unknown[] };

/** Names that an expression at a node may read, as it would write them. */
export function namesInReach(graph: Graph, id: string, input: Schema | undefined, outputs: ReadonlyMap<string, unknown>, inLoop: boolean): string[] {
  const names = ['input', 'run.id', 'run.user', 'run.workflow', 'run.test', ...below('input', input, 3), ...(inLoop ? ['item', 'index', 'last'] : [])];
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  for (const source of before(graph, id)) {
    const step = `steps.${source}`;
    names.push(`${step}.output`, ...inValue(`${step}.output`, outputs.get(source), 2), ...declared(`${step}.output`, nodes.get(source)));
    names.push(`${step}.port`, `${step}.error`, `${step}.confidence`);
  }
  return [...new Set(names)];
}

function declared(at: string, node: FlowNode | undefined): string[] {
  const schema = (node?.output_schema ?? (node?.kind === 'validate' ? undefined : node?.form)) as Schema | undefined;
  const own: Record<string, string[]> = {
    classify: ['label', 'confidence', 'reason'],
    agent: ['answer', 'turns', 'tool_calls', 'stopped'],
    validate: ['value', 'problems'],
    human: ['decision', 'data', 'by', 'comment'],
    twin: ['before', 'after'],
  };
  const fields = own[node?.kind ?? ''] ?? [];
  const inner = node?.kind === 'human' ? `${at}.data` : node?.kind === 'agent' ? `${at}.answer` : at;
  return [...fields.map((field) => `${at}.${field}`), ...below(inner, schema, 2)];
}

function below(at: string, schema: Schema | undefined, levels: number): string[] {
  if (!schema?.properties || levels === 0) return [];
  return Object.entries(schema.properties).flatMap(([name, one]) => [`${at}.${name}`, ...below(`${at}.${name}`, one, levels - 1)]);
}

function inValue(at: string, value: unknown, levels: number): string[] {
  if (value === null || typeof value !== 'object' || Array.isArray(value) || levels === 0) return [];
  return Object.entries(value).flatMap(([name, one]) => [`${at}.${name}`, ...inValue(`${at}.${name}`, one, levels - 1)]);
}

/** A value that a schema allows, to begin with. */
export function sampleOf(schema: Schema | undefined): unknown {
  if (!schema) return {};
  if (schema.default !== undefined) return schema.default;
  if (schema.examples?.length) return schema.examples[0];
  if (schema.enum?.length) return schema.enum[0];
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'object' || schema.properties) return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, one]) => [name, sampleOf(one)]));
  if (type === 'array') return schema.items ? [sampleOf(schema.items)] : [];
  if (type === 'integer' || type === 'number') return schema.minimum ?? 1;
  if (type === 'boolean') return false;
  return type === 'string' ? 'text' : null;
}

/** The word at the caret that could be completed: within `${…}`, or anywhere in an expression. */
export function wordAt(text: string, caret: number, whole: boolean): { word: string; from: number } | null {
  const left = text.slice(0, caret);
  if (!whole) {
    const opened = left.lastIndexOf('${');
    if (opened < 0 || left.indexOf('}', opened) >= 0) return null;
  }
  const word = /[A-Za-z_][\w.]*$/.exec(left)?.[0] ?? '';
  return { word, from: caret - word.length };
}
