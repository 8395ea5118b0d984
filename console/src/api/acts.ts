import { type QueryKey, useQueryClient } from '@tanstack/react-query';
import { useCallback } from 'react';

/** Ask again for what these keys begin with; for after an act. */
export function useRenew(): (...keys: QueryKey[]) => Promise<void> {
  const client = useQueryClient();
  return useCallback(
    async (...keys) => {
      await Promise.all(keys.map((queryKey) => client.invalidateQueries({ queryKey })));
    },
    [client],
  );
}

/** Ask again for the list alone, once one of it is gone: asking for what is gone would fail. */
export function useRenewList(): (key: QueryKey) => Promise<void> {
  const client = useQueryClient();
  return useCallback((queryKey) => client.invalidateQueries({ queryKey, exact: true }), [client]);
}

/** The header by which a POST that is sent twice is done once. */
export const once = () => ({ 'Idempotency-Key': crypto.randomUUID() });
