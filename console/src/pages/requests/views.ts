// Views of the list under a name. The control API has no place for them: they stay in this browser, and the address
// of one can be sent to others.

import type { Search } from '../../url';

export type Views = Record<string, Search>;

const PLACE = 'legato.views.requests';

interface Kept {
  getItem: (name: string) => string | null;
  setItem: (name: string, text: string) => void;
}

/** What is kept; nothing where it can't be read. */
export function readViews(store: Kept): Views {
  try {
    const found: unknown = JSON.parse(store.getItem(PLACE) ?? '{}');
    if (found === null || typeof found !== 'object' || Array.isArray(found)) return {};
    return Object.fromEntries(Object.entries(found).filter(([, view]) => view !== null && typeof view === 'object')) as Views;
  } catch {
    return {}; // somebody else wrote there, or storage is shut
  }
}

export function writeViews(store: Kept, views: Views): void {
  store.setItem(PLACE, JSON.stringify(views));
}
