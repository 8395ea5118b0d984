import { expect, test } from 'vitest';
import { pages, pagesFor } from './navigation';

test('no two pages share an address, and each is told apart in the palette', () => {
  const addresses = pages.flatMap((page) => [page.path, ...(page.also ?? [])]);
  expect(new Set(addresses).size).toBe(addresses.length);
  expect(new Set(pages.map((page) => page.title)).size).toBe(pages.length);
});

test('who may read the ledger sees the overview, who may not does not', () => {
  const paths = (permissions: string[]) => pagesFor(permissions).map((page) => page.path);
  expect(paths(['control:ledger:read'])).toContain('/');
  expect(paths(['control:self:read'])).not.toContain('/');
});
