// What differs between two texts, word by word: the longest common subsequence, by lines where words are too many.

export interface Part {
  kind: 'same' | 'gone' | 'new';
  text: string;
}

const CELLS_MAX = 1_000_000;

/** The parts of both texts in their order; joined without what is new they are `before`, without what is gone `after`. */
export function differenceOf(before: string, after: string): Part[] {
  for (const pieces of [words, lines]) {
    const [a, b] = [pieces(before), pieces(after)];
    if (a.length * b.length <= CELLS_MAX) return joined(common(a, b));
  }
  return joined([{ kind: 'gone', text: before }, { kind: 'new', text: after }]);
}

const words = (text: string) => text.match(/\s+|[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_]/gu) ?? [];
const lines = (text: string) => text.match(/[^\n]*\n|[^\n]+/g) ?? [];

function common(a: string[], b: string[]): Part[] {
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  }
  const parts: Part[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      parts.push({ kind: 'same', text: a[i] ?? '' });
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1))) parts.push({ kind: 'gone', text: a[i++] ?? '' });
    else parts.push({ kind: 'new', text: b[j++] ?? '' });
  }
  return parts;
}

function joined(parts: Part[]): Part[] {
  const found: Part[] = [];
  for (const part of parts) {
    const last = found.at(-1);
    if (last?.kind === part.kind) last.text += part.text;
    else if (part.text) found.push({ ...part });
  }
  return found;
}
