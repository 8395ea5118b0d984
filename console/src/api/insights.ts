import { useQuery } from '@tanstack/react-query';
import { answer, api } from './client';
import type { components } from './schema';

export type InsightRow = components['schemas']['Row'];

/** One insight of a period, split by dimensions; read from sums by day, however many calls there were. */
export function useInsight(id: string, period: string, by = '') {
  return useQuery({
    queryKey: ['insight', id, period, by],
    queryFn: async () => {
      const params = { path: { insight_id: id }, query: { period, by } };
      return (await answer(api.GET('/api/v1/insights/{insight_id}', { params }))).rows;
    },
    meta: { topics: ['spend'] },
    placeholderData: (before) => before,
  });
}
