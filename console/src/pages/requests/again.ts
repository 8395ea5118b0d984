// A captured call made again with another model, as an application would make it: with a key, without the session.

import { errorOf } from '../../api/errors';
import type { components } from '../../api/schema';
import { server } from '../../place';

type Capture = Pick<components['schemas']['CapturedWhole'], 'request' | 'answer' | 'stream_events'>;

export interface Said {
  asked: string;
  text: string;
  model: string;
  costUsd: string | null;
  ms: number;
  requestId: string;
}

interface Spoken {
  choices?: { message?: { content?: string | null }; delta?: { content?: string | null } }[];
}

const wordsOf = (one: Spoken) => one.choices?.[0]?.message?.content ?? one.choices?.[0]?.delta?.content ?? '';

/** The words of a captured chat completion, streamed or not; null where it has none that can be read. */
export function textOf({ answer, stream_events }: Pick<Capture, 'answer' | 'stream_events'>): string | null {
  try {
    if (!stream_events) return answer && typeof answer === 'object' ? wordsOf(answer as Spoken) : null;
    const data = [...stream_events.matchAll(/^data: ?(\{.*)$/gm)].map((found) => JSON.parse(found[1] ?? '{}') as Spoken);
    return data.length > 0 ? data.map(wordsOf).join('') : null;
  } catch {
    return null; // an answer that broke off, or is masked
  }
}

/** What to send to another model; null where the content is masked or is no chat. */
export function bodyFor(request: unknown, model: string): Record<string, unknown> | null {
  if (request === null || typeof request !== 'object' || !('messages' in request)) return null;
  const { stream: _, stream_options: __, ...body } = request as Record<string, unknown>;
  return { ...body, model };
}

/** Ask, past the cache. Throws ApiError. */
export async function askAgain(request: unknown, model: string, key: string): Promise<Said> {
  const began = performance.now();
  const response = await fetch(`${server}/v1/chat/completions`, {
    method: 'POST',
    credentials: 'omit',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify(bodyFor(request, model)),
  });
  const said = (await response.json().catch(() => undefined)) as (Spoken & { model?: string }) | undefined;
  if (!response.ok) throw errorOf(response.status, said);
  return {
    asked: model,
    text: wordsOf(said ?? {}),
    model: said?.model ?? '',
    costUsd: response.headers.get('x-legato-cost-usd'),
    ms: performance.now() - began,
    requestId: response.headers.get('x-legato-request-id') ?? '',
  };
}
