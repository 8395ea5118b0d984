import { expect, test } from 'vitest';
import { stretchesOf, wordsOf } from './marked';

test('finds are marked where they are, also behind characters of two units and within each other', () => {
  const text = '😀 Ada Lovelace';
  const hits = [{ start: 2, end: 14, label: 'PERSON' }, { start: 6, end: 14, label: 'NAME' }];
  expect(stretchesOf(text, hits)).toEqual([
    { text: '😀 ', labels: [] },
    { text: 'Ada ', labels: ['PERSON'] },
    { text: 'Lovelace', labels: ['PERSON', 'NAME'] },
  ]);
  expect(wordsOf(text, { start: 2, end: 5 })).toBe('Ada');
});

test('a text in which nothing was found is one stretch', () => {
  expect(stretchesOf('nothing', [])).toEqual([{ text: 'nothing', labels: [] }]);
});
