// The URL holds range, filters, tab and selection: what is on the screen can be sent to somebody.

import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

export type Search = Record<string, string | undefined>;

/** Texts only, as they stand in the address. */
export function parseSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text));
}

export function writeSearch(search: Search): string {
  const kept = Object.entries(search).filter((entry): entry is [string, string] => !!entry[1]);
  const text = new URLSearchParams(kept).toString();
  return text ? `?${text}` : '';
}

/** What the address holds, and how to change part of it; undefined takes a name out. */
export function useUrl(): [Search, (change: Search, push?: boolean) => void] {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const change = useCallback(
    (patch: Search, push = false) => {
      // It stays on the page it is on: `to: '.'`.
      void navigate({ to: '.', search: ((had: Search) => ({ ...had, ...patch })) as never, replace: !push });
    },
    [navigate],
  );
  return [search, change];
}
