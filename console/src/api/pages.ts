import { type QueryKey, useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Topic } from './live';

interface PageOf<T> {
  data: T[];
  next_cursor?: string | null;
}

/** A list by cursor: its rows so far, and how to get more, as DataTable takes it. */
export function usePages<T>(key: QueryKey, topics: Topic[], page: (cursor: string | null) => Promise<PageOf<T>>) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => page(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next_cursor ?? null,
    meta: { topics },
  });
  const rows = useMemo(() => query.data?.pages.flatMap((one) => one.data), [query.data]);
  const more = {
    has: query.hasNextPage,
    busy: query.isFetchingNextPage,
    load: () => void query.fetchNextPage(),
  };
  return { data: rows, error: query.error, isPending: query.isPending, refetch: query.refetch, more };
}
