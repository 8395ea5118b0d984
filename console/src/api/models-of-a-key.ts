import { queryOptions } from '@tanstack/react-query';
import { server } from '../place';
import { errorOf } from './errors';

/** What a key may ask for, as an application would list it; asked once there is a key. */
export const keyedModels = (key: string) =>
  queryOptions({
    queryKey: ['models-of-a-key', key],
    queryFn: async ({ signal }) => {
      const response = await fetch(`${server}/v1/models`, { credentials: 'omit', signal, headers: { authorization: `Bearer ${key}` } });
      const body = (await response.json().catch(() => undefined)) as { data?: { id: string }[] } | undefined;
      if (!response.ok) throw errorOf(response.status, body);
      return (body?.data ?? []).map((one) => one.id);
    },
    enabled: key !== '',
    gcTime: 0,
  });
