import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { ApiError } from '../../api/errors';

/** What was said in a request; null where no rule keeps it, or not any more. */
export function useCapture(id: string, enabled = true) {
  return useQuery({
    queryKey: ['capture', id],
    queryFn: async () => {
      try {
        return await answer(api.GET('/api/v1/captures/{request_id}', { params: { path: { request_id: id } } }));
      } catch (problem) {
        if (problem instanceof ApiError && problem.status === 404) return null;
        throw problem;
      }
    },
    enabled,
  });
}
