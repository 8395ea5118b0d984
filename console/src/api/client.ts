import createClient, { type Middleware } from 'openapi-fetch';
import { server } from '../place';
import { type ApiError, errorOf } from './errors';
import { credentials } from './credentials';
import { sample } from './sample';
import type { paths } from './schema';

/** Where 401 is said of the password that was given, not of who asks. */
const ASKED = /^\/api\/v1\/(login|me\/password)/;

const signed: Middleware = {
  async onRequest({ request }) {
    for (const [name, value] of credentials.headers(request.method)) request.headers.set(name, value);
    const path = request.url.slice(server.length);
    const shown = sample.path(path);
    if (shown === path) return request;
    // A request that is copied would send its body as a stream, which HTTP/1.1 can't take.
    const { method, headers, signal, credentials: cookies } = request;
    const body = await request.text();
    return new Request(server + shown, { method, headers, signal, credentials: cookies, ...(body ? { body } : {}) });
  },
  onResponse({ response, schemaPath }) {
    if (response.status === 401 && !ASKED.test(schemaPath)) credentials.refused();
    return undefined;
  },
};

/** The control API, typed by its own OpenAPI document. */
export const api = createClient<paths>({
  baseUrl: server,
  credentials: 'same-origin',
  fetch: (request) => globalThis.fetch(request),
});
api.use(signed);

/** Return what a call answered. Throws ApiError. */
export async function answer<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<NonNullable<T>> {
  const { data, error, response } = await call;
  if (!response.ok) throw errorOf(response.status, error) satisfies ApiError;
  return (data ?? {}) as NonNullable<T>;
}

/** The address of a route that a browser opens by itself (downloads, single sign-on). */
export function addressOf(path: string): string {
  return server + sample.path(path);
}
