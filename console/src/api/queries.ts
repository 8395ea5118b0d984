import { QueryCache, QueryClient } from '@tanstack/react-query';
import { ApiError } from './errors';
import type { Topic } from './live';

declare module '@tanstack/react-query' {
  interface Register {
    queryMeta: {
      /** What it shows: asked again when the server says that one of these moved. */
      topics?: Topic[];
    };
  }
}

const RETRIES_MAX = 2;
const FRESH_MS = 15_000;

/** The client of all queries. What was refused isn't asked again; what failed is, twice. */
export function queryClient(): QueryClient {
  return new QueryClient({
    queryCache: new QueryCache(),
    defaultOptions: {
      queries: {
        staleTime: FRESH_MS,
        refetchOnWindowFocus: false, // the live stream says what moved
        retry: (failures, problem) => failures < RETRIES_MAX && !(problem instanceof ApiError && problem.status < 500),
      },
    },
  });
}

/** Ask again for what shows these topics and is on the screen; the rest is stale when next shown. */
export function invalidateTopics(client: QueryClient, topics: Topic[]): Promise<void> {
  const moved = new Set<Topic>(topics);
  return client.invalidateQueries({
    predicate: (query) => (query.meta?.topics ?? []).some((topic) => moved.has(topic)),
  });
}
