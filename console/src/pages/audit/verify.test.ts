// @vitest-environment node
import { expect, test } from 'vitest';
import fixture from './proofs.fixture.json';
import { type Proof, fromHex, leafHash, rootBy, verify } from './verify';

// Events, proofs and key as a running instance answered them.
const { key, proofs } = fixture as { key: string; proofs: Proof[] };

test.each(proofs.map((proof) => [proof.index, proof] as const))('event %i is in the log that its checkpoint speaks of', async (_, proof) => {
  expect(await verify(proof, key)).toMatchObject({ included: true, signed: true });
});

const first = proofs[1] as Proof;
const wrong: [string, Partial<Proof>][] = [
  ['another word', { leaf: first.leaf.replace('"outcome":"', '"outcome":"not ') }],
  ['another place', { index: first.index + 1 }],
  ['another size', { size: first.size + 1 }],
  ['a shorter path', { proof: first.proof.slice(1) }],
  ['a longer path', { proof: [...first.proof, first.proof[0] ?? ''] }],
  ['another hash', { proof: first.proof.map((one) => one.replace(/^./, (digit) => (digit === '0' ? '1' : '0'))) }],
];
test.each(wrong)('%s is found out', async (_, change) => {
  expect((await verify({ ...first, ...change }, key)).included).toBe(false);
});

test('a root that nobody signed is found out', async () => {
  const forged = first.checkpoint.replace(`\n${first.size}\n`, `\n${first.size}0\n`);
  expect(await verify({ ...first, checkpoint: forged }, key)).toMatchObject({ included: false, signed: false });
  const other = key.replace(/\+[0-9a-f]{8}\+/, '+00000000+');
  expect((await verify(first, other)).signed).toBe(false);
});

test('the only leaf of a tree is its root', async () => {
  const leaf = await leafHash('a');
  expect(await rootBy(leaf, 0, 1, [])).toEqual(leaf);
  expect(await rootBy(leaf, 0, 1, [fromHex('00'.repeat(32))])).toBeNull();
  expect(await rootBy(leaf, 1, 1, [])).toBeNull();
});
