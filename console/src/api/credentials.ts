// How this tab proves who asks: by the session's cookie, or by a key that was pasted. A key lives in
// this variable alone, never in storage, and is gone with the tab.

type Listener = () => void;

class Credentials {
  private key: string | null = null;
  private csrf: string | null = null;
  private readonly listeners = new Set<Listener>();

  /** What a request says of its sender. */
  headers(method: string): [string, string][] {
    if (this.key !== null) return [['authorization', `Bearer ${this.key}`]];
    const safe = method === 'GET' || method === 'HEAD';
    return !safe && this.csrf !== null ? [['x-legato-csrf', this.csrf]] : [];
  }

  get byKey(): boolean {
    return this.key !== null;
  }

  useKey(key: string): void {
    this.key = key;
  }

  useSession(csrf: string): void {
    this.csrf = csrf;
  }

  forget(): void {
    this.key = null;
    this.csrf = null;
  }

  /** The server knows this tab no more: whoever listens asks to sign in again. */
  refused(): void {
    for (const listener of this.listeners) listener();
  }

  onRefused(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

export const credentials = new Credentials();
