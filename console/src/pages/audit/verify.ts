// Merkle trees as RFC 9162 (section 2.1) has them, and signed notes as C2SP's signed-note: what the
// server says of an event is held here against the checkpoint that it signed, by the browser's own SHA-256.

export interface Checkpoint {
  origin: string;
  size: number;
  root: Uint8Array<ArrayBuffer>;
}

export interface Proof {
  index: number;
  size: number;
  /** The event as it was hashed. */
  leaf: string;
  /** From the leaf to the root, in hex. */
  proof: string[];
  /** A signed note. */
  checkpoint: string;
}

export interface Verdict {
  checkpoint: Checkpoint;
  leafHash: string;
  /** The event is in the log of which the checkpoint speaks. */
  included: boolean;
  /** The checkpoint was signed by the log's key; null where this browser can't tell. */
  signed: boolean | null;
}

type Bytes = Uint8Array<ArrayBuffer>;
const LEAF = 0;
const NODE = 1;
const ED25519 = 1;
const ID_BYTES = 4;

const bytesOf = (text: string): Bytes => new TextEncoder().encode(text) as Bytes;

export const hexOf = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');

export function fromHex(text: string): Bytes {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new RangeError('not bytes in hex');
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

const fromBase64 = (text: string): Bytes => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

const joined = (...parts: Uint8Array[]): Bytes => Uint8Array.from(parts.flatMap((part) => [...part]));

async function sha256(bytes: Bytes): Promise<Bytes> {
  if (!globalThis.crypto?.subtle) throw new Error('This browser computes hashes on pages served by https or from this machine only.');
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

export const leafHash = (leaf: string): Promise<Bytes> => sha256(joined([LEAF] as unknown as Uint8Array, bytesOf(leaf)));

const nodeHash = (left: Bytes, right: Bytes): Promise<Bytes> => sha256(joined([NODE] as unknown as Uint8Array, left, right));

/** The root to which a leaf's hash leads by a path, as section 2.1.3.2 walks it; null where no tree has such a path. */
export async function rootBy(leaf: Bytes, index: number, size: number, path: Bytes[]): Promise<Bytes | null> {
  if (!(index >= 0 && index < size)) return null;
  let at = BigInt(index);
  let last = BigInt(size) - 1n;
  let found = leaf;
  for (const one of path) {
    if (last === 0n) return null;
    if (at & 1n || at === last) {
      found = await nodeHash(one, found);
      while (!(at & 1n) && at !== 0n) {
        at >>= 1n;
        last >>= 1n;
      }
    } else {
      found = await nodeHash(found, one);
    }
    at >>= 1n;
    last >>= 1n;
  }
  return last === 0n ? found : null;
}

/** The text of a signed note, and its signatures by name. Throws where it is none. */
function noteOf(note: string): { text: string; signatures: [string, Bytes][] } {
  const gap = note.lastIndexOf('\n\n');
  if (gap < 0) throw new Error('This is no signed note.');
  const lines = note.slice(gap + 2).split('\n').filter((line) => line.startsWith('— '));
  const signatures = lines.map((line): [string, Bytes] => {
    const [, name = '', signature = ''] = line.split(' ');
    return [name, fromBase64(signature)];
  });
  return { text: note.slice(0, gap + 1), signatures };
}

/** Read what a checkpoint says. Throws where it is none. */
export function checkpointOf(note: string): Checkpoint {
  const [origin = '', size = '', root = ''] = noteOf(note).text.split('\n');
  if (!/^(0|[1-9]\d*)$/.test(size)) throw new Error("A checkpoint's second line is its size.");
  return { origin, size: Number(size), root: fromBase64(root) };
}

/** Whether the log's key (NAME+ID+KEY) signed a note; null where this browser has no Ed25519. */
export async function signedBy(note: string, verifier: string): Promise<boolean | null> {
  const [name = '', id = '', ...rest] = verifier.trim().split('+');
  const key = fromBase64(rest.join('+'));
  if (key[0] !== ED25519) throw new Error('This is no verifier key of Ed25519.');
  const ownId = hexOf((await sha256(joined(bytesOf(`${name}\n`), key))).slice(0, ID_BYTES));
  const { text, signatures } = noteOf(note);
  const found = signatures.find(([who, bytes]) => who === name && hexOf(bytes.slice(0, ID_BYTES)) === ownId);
  if (ownId !== id || !found) return false;
  let imported: CryptoKey;
  try {
    imported = await crypto.subtle.importKey('raw', key.slice(1), { name: 'Ed25519' }, false, ['verify']);
  } catch (problem) {
    if (problem instanceof DOMException && problem.name === 'NotSupportedError') return null;
    throw problem;
  }
  return crypto.subtle.verify({ name: 'Ed25519' }, imported, found[1].slice(ID_BYTES), bytesOf(text));
}

/** Hold an event's proof against its checkpoint, and the checkpoint against the log's key. */
export async function verify(proof: Proof, verifier: string): Promise<Verdict> {
  const checkpoint = checkpointOf(proof.checkpoint);
  const leaf = await leafHash(proof.leaf);
  const root = await rootBy(leaf, proof.index, proof.size, proof.proof.map(fromHex));
  const says = (JSON.parse(proof.leaf) as { index?: number }).index === proof.index;
  const included = root !== null && hexOf(root) === hexOf(checkpoint.root) && checkpoint.size === proof.size && says;
  const origin = verifier.trim().split('+')[0];
  const signed = checkpoint.origin === origin ? await signedBy(proof.checkpoint, verifier) : false;
  return { checkpoint, leafHash: hexOf(leaf), included, signed };
}
