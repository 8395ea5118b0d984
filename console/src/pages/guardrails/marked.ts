import type { components } from '../../api/schema';

type Hit = components['schemas']['PreviewHit'];

export interface Stretch {
  text: string;
  /** What was found in it; empty where nothing was. */
  labels: string[];
}

/** A text in stretches, each with the labels found there. Places count characters as the server does, not UTF-16 units. */
export function stretchesOf(text: string, hits: Pick<Hit, 'start' | 'end' | 'label'>[]): Stretch[] {
  const characters = [...text];
  const edges = [...new Set([0, characters.length, ...hits.flatMap((one) => [one.start, one.end])])].sort((a, b) => a - b);
  return edges.slice(1).map((end, index) => {
    const start = edges[index] ?? 0;
    const labels = hits.filter((one) => one.start <= start && end <= one.end).map((one) => one.label);
    return { text: characters.slice(start, end).join(''), labels: [...new Set(labels)] };
  });
}

export const wordsOf = (text: string, { start, end }: Pick<Hit, 'start' | 'end'>) => [...text].slice(start, end).join('');
