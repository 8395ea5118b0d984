import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { once } from '../../api/acts';
import { answer, api } from '../../api/client';
import { ApiError } from '../../api/errors';
import { useFollowed } from '../../api/follow';
import type { components } from '../../api/schema';
import type { Ruling } from '../../components/Question';

export type OpenPage = components['schemas']['OpenPage'];
export type PageRun = components['schemas']['PageRun'];

const ENDED = new Set(['done', 'failed', 'cancelled', 'paused']);
const KEY = 'page-run';
export const hasEnded = (run: Pick<PageRun, 'status'>) => ENDED.has(run.status);

/** Begin a run of a page. */
export function useBegin(page: OpenPage) {
  const params = { path: { name: page.name }, query: { org: page.org } };
  return useMutation({ mutationFn: (input: unknown) => answer(api.POST('/api/v1/pages/{name}/runs', { params: { ...params, header: once() }, body: { input } as never })) });
}

/** One's run, asked again whenever something happened in it. */
export function useRun(page: OpenPage, id: string) {
  const params = { path: { name: page.name, run_id: id }, query: { org: page.org } };
  const run = useQuery({ queryKey: [KEY, id], queryFn: () => answer(api.GET('/api/v1/pages/{name}/runs/{run_id}', { params })) });
  const events = `/api/v1/pages/${encodeURIComponent(page.name)}/runs/${id}/events?org=${encodeURIComponent(page.org)}`;
  useFollowed(events, KEY, id, run.data !== undefined && !hasEnded(run.data));
  return run;
}

/** Answer what a run asks. */
export function useRule(page: OpenPage, id: string, task: string) {
  const client = useQueryClient();
  const params = { path: { name: page.name, run_id: id, task_id: task }, query: { org: page.org } };
  return useMutation({
    mutationFn: (ruling: Ruling) => answer(api.POST('/api/v1/pages/{name}/runs/{run_id}/tasks/{task_id}/decide', { params: { ...params, header: once() }, body: { port: '', comment: '', ...ruling } as never })),
    onSuccess: () => client.invalidateQueries({ queryKey: [KEY, id] }),
  });
}

/** At which field the server found something wrong; the rest of its words belong to the whole form. */
export function problemsOf(problem: unknown): Map<string, string> {
  if (!(problem instanceof ApiError)) return new Map();
  const found = /^input: \/([^\s:]+):? (.+)$/s.exec(problem.message);
  if (!found?.[1] || !found[2]) return new Map();
  const place = found[1].split('/').reduce((path, step) => (/^\d+$/.test(step) ? `${path}[${step}]` : path ? `${path}.${step}` : step), '');
  return new Map([[place, found[2]]]);
}

/** An answer as text: a text itself, the answer of an agent, anything else as JSON. */
export function textOf(output: unknown): string {
  if (typeof output === 'string') return output;
  const said = (output as { answer?: unknown } | null)?.answer;
  return typeof said === 'string' ? said : JSON.stringify(output, null, 2);
}
