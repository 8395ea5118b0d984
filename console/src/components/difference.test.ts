import { expect, test } from 'vitest';
import { differenceOf } from './difference';

test('what was changed stands beside what it took the place of', () => {
  expect(differenceOf('the red fox', 'the blue fox')).toEqual([
    { kind: 'same', text: 'the ' },
    { kind: 'gone', text: 'red' },
    { kind: 'new', text: 'blue' },
    { kind: 'same', text: ' fox' },
  ]);
});

test.each([
  ['', 'new'],
  ['old', ''],
  ['a\nb\nc', 'a\nx\nc\nd'],
  ['word '.repeat(3_000), 'other '.repeat(3_000)],
])('both texts can be put together again', (before, after) => {
  const parts = differenceOf(before, after);
  const without = (kind: string) => parts.filter((one) => one.kind !== kind).map((one) => one.text).join('');
  expect(without('new')).toBe(before);
  expect(without('gone')).toBe(after);
});
