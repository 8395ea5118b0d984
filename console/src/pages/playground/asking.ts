// A call of the data plane as an application makes it, with a key and without the console's session.

import { errorOf } from '../../api/errors';
import { parseEvents } from '../../api/events';
import { server } from '../../place';
import { playground as words } from '../../strings/playground';
import type { Spec } from '../prompts/prompt';

export interface Asked {
  models: string[];
  system: string;
  prompt: string;
  values: Record<string, string>;
  tools: string;
  schema: string;
  maxTokens: number | null;
  temperature: number | null;
  fresh: boolean;
}

export interface ToolCall {
  name: string;
  args: string;
}

export interface Answer {
  text: string;
  calls: ToolCall[];
  requestId: string;
  cache: string;
  sent: number | null;
  received: number | null;
  firstMs: number | null;
  wholeMs: number | null;
  problem: unknown;
}

export const NOTHING: Answer = {
  text: '', calls: [], requestId: '', cache: '', sent: null, received: null, firstMs: null, wholeMs: null, problem: null,
};

const PLACE = /\{\{\s*([\p{L}\p{N}_.-]+)\s*\}\}/gu;

/** The names in double braces, in their order, each once. */
export function variablesOf(...texts: string[]): string[] {
  return [...new Set(texts.flatMap((text) => [...text.matchAll(PLACE)].map((found) => found[1] ?? '')))];
}

/** The text with its variables filled in; one without a value stays as it is. */
export function filled(text: string, values: Record<string, string>): string {
  return text.replace(PLACE, (whole, name: string) => values[name] ?? whole);
}

/** The body of the call to one model. Throws SyntaxError with the field's name where JSON was typed wrong. */
export function bodyOf(asked: Asked, model: string): Record<string, unknown> {
  const read = (field: 'tools' | 'schema') => {
    if (!asked[field].trim()) return undefined;
    try {
      return JSON.parse(asked[field]) as unknown;
    } catch {
      throw new SyntaxError(field);
    }
  };
  const [tools, schema] = [read('tools'), read('schema')];
  const system = filled(asked.system, asked.values).trim();
  return {
    model,
    messages: [...(system ? [{ role: 'system', content: system }] : []), { role: 'user', content: filled(asked.prompt, asked.values) }],
    ...(asked.maxTokens !== null && { max_tokens: asked.maxTokens }),
    ...(asked.temperature !== null && { temperature: asked.temperature }),
    ...(tools !== undefined && { tools }),
    ...(schema !== undefined && { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema } } }),
  };
}

/** The same as a version of a prompt: variables stay open; what they were is its first test, of an answer that isn't blank or is of the schema. Throws SyntaxError as `bodyOf`. */
export function promptOf(asked: Asked): Spec {
  const names = variablesOf(asked.system, asked.prompt);
  const body = bodyOf(asked, '') as { response_format?: { json_schema: { schema: unknown } } };
  const schema = body.response_format?.json_schema.schema;
  const system = asked.system.trim();
  return {
    messages: [...(system ? [{ role: 'system', content: system }] : []), { role: 'user', content: asked.prompt }],
    route: asked.models[0] ?? '',
    variables: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    parameters: { ...(asked.maxTokens !== null && { max_tokens: asked.maxTokens }), ...(asked.temperature !== null && { temperature: asked.temperature }) },
    ...(schema !== undefined && { output_schema: schema }),
    tests: [{ name: words.asTried, variables: Object.fromEntries(names.map((name) => [name, asked.values[name] ?? ''])), expect: schema === undefined ? { regex: '\\S' } : { json: true } }],
  };
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The call as lines for a shell. */
export function curlOf(asked: Asked, model: string): string {
  const cache = asked.fresh ? ` \\\n  -H 'cache-control: no-cache'` : '';
  return `curl -s ${server}/v1/chat/completions \\
  -H "authorization: Bearer $LEGATO_KEY" -H 'content-type: application/json'${cache} \\
  -d ${quoted(JSON.stringify(bodyOf(asked, model)))}`;
}

interface Chunk {
  choices?: { delta?: { content?: string | null; tool_calls?: { index: number; function?: { name?: string; arguments?: string } }[] } }[];
  usage?: { prompt_tokens: number; completion_tokens: number } | null;
  error?: unknown;
}

/** Ask one model and tell of the answer as it grows. What goes wrong is part of the answer. */
export async function ask(asked: Asked, model: string, key: string, signal: AbortSignal, tell: (answer: Answer) => void): Promise<void> {
  const began = performance.now();
  let answer = NOTHING;
  const say = (change: Partial<Answer>) => tell((answer = { ...answer, ...change }));
  try {
    const response = await fetch(`${server}/v1/chat/completions`, {
      method: 'POST',
      credentials: 'omit',
      signal,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...(asked.fresh && { 'cache-control': 'no-cache' }) },
      body: JSON.stringify({ ...bodyOf(asked, model), stream: true, stream_options: { include_usage: true } }),
    });
    say({ requestId: response.headers.get('x-legato-request-id') ?? '', cache: response.headers.get('x-legato-cache') ?? '' });
    if (!response.ok || !response.body) throw errorOf(response.status, await response.json().catch(() => undefined));
    for await (const event of parseEvents(response.body)) {
      if (event.data === '[DONE]') break;
      const chunk = JSON.parse(event.data) as Chunk;
      if (chunk.error) throw errorOf(response.status, chunk);
      say(grown(answer, chunk, performance.now() - began));
    }
    say({ wholeMs: performance.now() - began });
  } catch (problem) {
    say({ problem, wholeMs: performance.now() - began });
  }
}

/** What a chunk adds to an answer. */
export function grown(answer: Answer, chunk: Chunk, ms: number): Partial<Answer> {
  const delta = chunk.choices?.[0]?.delta;
  const change: Partial<Answer> = {};
  if (chunk.usage) Object.assign(change, { sent: chunk.usage.prompt_tokens, received: chunk.usage.completion_tokens });
  if (delta?.content) change.text = answer.text + delta.content;
  if (delta?.tool_calls) {
    const calls = [...answer.calls];
    for (const { index, function: called } of delta.tool_calls) {
      const before = calls[index] ?? { name: '', args: '' };
      calls[index] = { name: before.name + (called?.name ?? ''), args: before.args + (called?.arguments ?? '') };
    }
    change.calls = calls;
  }
  if (answer.firstMs === null && (change.text || change.calls)) change.firstMs = ms;
  return change;
}
