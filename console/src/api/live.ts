// One stream of server-sent events for the tab. It says which topics moved; what shows them is asked
// for again. Read by fetch, since EventSource can't send a key; closed while the tab is hidden, and
// resumed behind the last event, so that nothing is missed.

import { server } from '../place';
import { credentials } from './credentials';
import { parseEvents } from './events';
import { sample } from './sample';

export type LiveState = 'off' | 'opening' | 'live' | 'waiting';
export type Topic =
  | 'requests' | 'spend' | 'tasks' | 'runs' | 'alerts' | 'incidents' | 'registry' | 'budgets'
  | 'audit' | 'notifications' | 'evaluations' | 'proposals' | 'feedback';

const RETRY_MS = 2_000;
const RETRY_MS_MAX = 60_000;

export class LiveStream {
  private last: string | null = null;
  private running: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private failures = 0;
  private wanted = false;
  private readonly watchers = new Set<(state: LiveState) => void>();
  state: LiveState = 'off';

  constructor(private readonly changed: (topics: Topic[]) => void) {}

  /** Begin, and pause whenever the tab is hidden. Returns what ends it. */
  start(): () => void {
    this.wanted = true;
    const look = () => (document.hidden ? this.close('off') : this.open());
    document.addEventListener('visibilitychange', look);
    look();
    return () => {
      this.wanted = false;
      document.removeEventListener('visibilitychange', look);
      this.close('off');
    };
  }

  watch = (watcher: (state: LiveState) => void): (() => void) => {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  };

  private tell(state: LiveState): void {
    this.state = state;
    for (const watcher of this.watchers) watcher(state);
  }

  private close(state: LiveState): void {
    clearTimeout(this.timer);
    this.running?.abort();
    this.running = null;
    this.tell(state);
  }

  private open(): void {
    if (!this.wanted || this.running) return;
    const running = new AbortController();
    this.running = running;
    this.tell('opening');
    this.read(running).then(
      (goOn) => this.ended(running, goOn),
      () => this.ended(running, true),
    );
  }

  private ended(running: AbortController, goOn: boolean): void {
    if (this.running !== running) return; // closed by us
    this.running = null;
    if (!goOn || !this.wanted) return this.tell('off');
    this.failures += 1;
    this.tell('waiting');
    this.timer = setTimeout(() => this.open(), Math.min(RETRY_MS * 2 ** (this.failures - 1), RETRY_MS_MAX));
  }

  /** Read until it ends; false where it is not to be opened again. */
  private async read(running: AbortController): Promise<boolean> {
    const headers = new Headers(credentials.headers('GET'));
    headers.set('accept', 'text/event-stream');
    if (this.last !== null) headers.set('last-event-id', this.last);
    const response = await fetch(server + sample.path('/api/v1/live'), {
      headers, signal: running.signal, cache: 'no-store', credentials: 'same-origin',
    });
    if (response.status === 401) credentials.refused();
    if (response.status === 429 || response.status >= 500) return true;
    if (!response.ok || !response.body) return false;
    for await (const event of parseEvents(response.body)) {
      if (event.id !== undefined) this.last = event.id;
      if (event.event === 'hello') {
        this.failures = 0;
        this.tell('live');
      } else if (event.event === 'changed') {
        this.changed((JSON.parse(event.data) as { topics: Topic[] }).topics);
      } else if (event.event === 'end') {
        credentials.refused();
        return false;
      }
    }
    return true;
  }
}
