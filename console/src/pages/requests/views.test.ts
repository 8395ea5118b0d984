import { expect, test } from 'vitest';
import { readViews, writeViews } from './views';

const store = (text: string | null = null) => {
  let kept = text;
  return { getItem: () => kept, setItem: (_: string, value: string) => void (kept = value) };
};

test('views come back as they were kept', () => {
  const kept = store();
  writeViews(kept, { 'Blocked today': { code: 'input_blocked', range: '24h' } });
  expect(readViews(kept)).toEqual({ 'Blocked today': { code: 'input_blocked', range: '24h' } });
});

test.each([null, 'not JSON', '[]', 'null', '{"a": 1}'])('%s is no views', (text) => {
  expect(readViews(store(text))).toEqual({});
});
