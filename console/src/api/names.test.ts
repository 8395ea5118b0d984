import { expect, test } from 'vitest';
import { named } from './names';

const id = '01a2056b8b75731f9aed151bee0ac40b';

test('an actor is told by name, wherever the id stands', () => {
  const names = new Map([[id, 'ada@example.com']]);
  expect(named(`account:${id}`, names)).toBe('ada@example.com');
  expect(named(`account ${id}`, names)).toBe('ada@example.com');
  expect(named(id, names)).toBe('ada@example.com');
  expect(named(`approved · account:${id} · fine`, names)).toBe('approved · ada@example.com · fine');
});

test('one without a known name keeps its kind and the end of its id', () => {
  expect(named(`key:${id}`, new Map())).toBe('key …ee0ac40b');
  expect(named('process legato', new Map())).toBe('process legato');
});
