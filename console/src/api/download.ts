import { server } from '../place';
import { credentials } from './credentials';
import { errorOf } from './errors';
import { sample } from './sample';

/** Fetch a file as who is signed in, a key too, and hand it to the browser to keep. Throws ApiError. */
export async function download(path: string, name: string): Promise<void> {
  const response = await fetch(server + sample.path(path), { headers: credentials.headers('GET'), credentials: 'same-origin' });
  if (!response.ok) throw errorOf(response.status, await response.json().catch(() => null));
  keepFile(await response.blob(), name);
}

/** Hand bytes or text to the browser as a file. */
export function keepFile(content: Blob | string, name: string, type = 'application/json'): void {
  const blob = typeof content === 'string' ? new Blob([content], { type }) : content;
  const address = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1_000);
}
