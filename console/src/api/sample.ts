// Whether this tab looks at sample data: then it asks below `/api/sample/`, where another database
// answers and nothing can be changed. Kept for the tab, so that loading a page again stays there.

const PLACE = 'legato.sample';
/** Who one is, and what there is of samples, is asked of the instance itself. */
const OWN = /^\/api\/v1\/(session|sign-in|login|logout|sample)(\/|\?|$)/;

type Kept = { removable: boolean };

class SampleSwitch {
  private kept: Kept | null = read();
  private readonly listeners = new Set<() => void>();

  get on(): boolean {
    return this.kept !== null;
  }

  /** Whether who looks at it may also take it away. */
  get removable(): boolean {
    return this.kept?.removable ?? false;
  }

  enter(kept: Kept): void {
    sessionStorage.setItem(PLACE, JSON.stringify(kept));
    this.tell(kept);
  }

  leave(): void {
    sessionStorage.removeItem(PLACE);
    this.tell(null);
  }

  /** The path that answers for another of the control API's. */
  path(path: string): string {
    return this.on && !OWN.test(path) ? path.replace(/^\/api\/v1\//, '/api/sample/v1/') : path;
  }

  watch = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private tell(kept: Kept | null): void {
    this.kept = kept;
    for (const listener of this.listeners) listener();
  }
}

function read(): Kept | null {
  const text = globalThis.sessionStorage?.getItem(PLACE);
  return text ? (JSON.parse(text) as Kept) : null;
}

export const sample = new SampleSwitch();
