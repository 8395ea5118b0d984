import { useQuery } from '@tanstack/react-query';
import { answer, api } from './client';
import type { components } from './schema';

export type InsightRow = components['schemas']['Row'];

/** The rows of an insight of a period, split by dimensions, of all or of one key; read from sums by day, however many calls there were. */
export async function insightOf(id: string, period: string, by: string, key?: string): Promise<InsightRow[]> {
  const params = { path: { insight_id: id }, query: { period, by, key: key ?? null } };
  return (await answer(api.GET('/api/v1/insights/{insight_id}', { params }))).rows;
}

/** One insight, kept up to date. */
export function useInsight(id: string, period: string, by = '') {
  return useQuery({
    queryKey: ['insight', id, period, by],
    queryFn: () => insightOf(id, period, by),
    meta: { topics: ['spend'] },
    placeholderData: (before) => before,
  });
}
