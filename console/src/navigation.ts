// The table of pages. A page is a folder in `pages/` with `entry.ts`, which says where it stands, and
// `page.tsx`, which is loaded when it is first opened: nobody edits a list that others edit too.

import type { FunctionComponent } from 'react';
import { sample } from './api/sample';
import type { IconName } from './components/Icon';

export const AREAS = ['observe', 'build', 'control', 'prove', 'set-up'] as const;
export type Area = (typeof AREAS)[number];

export interface Entry {
  /** Below the console's root, as `/requests`. */
  path: string;
  /** Further addresses of the same page, as `/workflows/$name`. */
  also?: string[];
  title: string;
  area: Area;
  /** Its place in the area, smallest first. */
  order: number;
  icon: IconName;
  /** What one must be allowed to see it at all; more than one: any of them. */
  permissions: string[];
  /** Whether it acts on the instance itself, so that it is left out while sample data is shown. */
  acts?: true;
}

export interface PageOfConsole extends Entry {
  load: () => Promise<{ default: FunctionComponent }>;
}

const entries = import.meta.glob<{ entry: Entry }>('./pages/*/entry.ts', { eager: true });
const loaders = import.meta.glob<{ default: FunctionComponent }>('./pages/*/page.tsx');

/** All pages, in the order of the navigation. */
export const pages: PageOfConsole[] = Object.entries(entries)
  .map(([file, { entry }]) => {
    const load = loaders[file.replace('entry.ts', 'page.tsx')];
    if (!load) throw new Error(`${file} has no page.tsx beside it`);
    return { ...entry, load };
  })
  .sort((a, b) => AREAS.indexOf(a.area) - AREAS.indexOf(b.area) || a.order - b.order);

/** Those that somebody with these permissions has a use for. */
export function pagesFor(permissions: Iterable<string>, all: PageOfConsole[] = pages): PageOfConsole[] {
  const held = new Set(permissions);
  return all.filter((page) => !(page.acts && sample.on)).filter((page) => page.permissions.length === 0 || page.permissions.some((one) => held.has(one)));
}
