import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { server } from '../place';
import { sample } from './sample';
import { credentials } from './credentials';
import { parseEvents } from './events';

const TOGETHER_MS = 250;
const RETRY_MS = 2_000;

/** Follow a run while it goes on: what shows it is asked again whenever something happened in it. */
export const useFollowedRun = (id: string, going: boolean) => useFollowed(`/api/v1/workflow-runs/${id}/events`, 'workflow-run', id, going);

/** Follow the events at a path: what is known by this name and id is asked again at each. */
export function useFollowed(path: string, name: string, id: string, going: boolean): void {
  const client = useQueryClient();
  useEffect(() => {
    if (!going) return;
    const running = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last: string | undefined;
    const moved = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void client.invalidateQueries({ queryKey: [name, id] });
      }, TOGETHER_MS);
    };
    const follow = async () => {
      while (!running.signal.aborted) {
        try {
          const headers = new Headers(credentials.headers('GET'));
          if (last !== undefined) headers.set('last-event-id', last);
          const response = await fetch(server + sample.path(path), { headers, signal: running.signal, cache: 'no-store', credentials: 'same-origin' });
          if (response.status >= 400 && response.status < 500) return;
          if (response.ok && response.body) {
            for await (const event of parseEvents(response.body)) {
              last = event.id ?? last;
              moved();
            }
            return; // it has ended
          }
        } catch {
          if (running.signal.aborted) return; // we left; anything else is tried again
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    };
    void follow();
    return () => {
      running.abort();
      clearTimeout(timer);
    };
  }, [client, path, name, id, going]);
}
