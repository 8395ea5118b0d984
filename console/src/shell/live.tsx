import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import { LiveStream, type Topic } from '../api/live';
import { invalidateTopics } from '../api/queries';
import { gathered } from '../api/gathered';

const REFRESH_MS = 5_000;
const Live = createContext<LiveStream | null>(null);

/** Holds the tab's one stream while somebody is signed in. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [stream] = useState(() => {
    // Under traffic something moves every second; a page asks again every few.
    const ask = gathered<Topic>(REFRESH_MS, (topics) => void invalidateTopics(client, topics));
    return new LiveStream(ask);
  });
  useEffect(() => stream.start(), [stream]);
  return <Live.Provider value={stream}>{children}</Live.Provider>;
}

/** How the stream stands. */
export function useLiveState() {
  const stream = useContext(Live);
  return useSyncExternalStore(
    stream ? stream.watch : () => () => {},
    () => stream?.state ?? 'off',
  );
}
