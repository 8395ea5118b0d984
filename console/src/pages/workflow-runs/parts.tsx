import { Text } from '@mantine/core';
import type { components } from '../../api/schema';
import { duration } from '../../format';
import { runs as words } from '../../strings/workflow-runs';

export type Run = components['schemas']['WorkflowRun'];
export type RunDetail = components['schemas']['WorkflowRunDetail'];
export type Step = components['schemas']['WorkflowStep'];

export const STATUSES = ['queued', 'running', 'waiting', 'paused', 'done', 'failed', 'cancelled'] as const;
export const ENDED = new Set(['done', 'failed', 'cancelled']);
const COLOURS: Record<string, string> = { done: 'var(--legato-good)', failed: 'var(--legato-bad)', waiting: 'var(--legato-warn)', paused: 'var(--legato-warn)' };
const SIGNS: Record<string, string> = { done: '✓', failed: '✕', waiting: '◔', paused: '‖', cancelled: '⊘', running: '▸' };

/** How a run or step stands: a sign and a word, not a colour alone. */
export function Status({ of, words: said = words.status }: { of: string; words?: Record<string, string> }) {
  return <Text span inherit c={COLOURS[of] ?? 'inherit'} style={{ whiteSpace: 'nowrap' }}><span aria-hidden="true">{SIGNS[of] ?? '·'} </span>{said[of] ?? of}</Text>;
}

const micros = (at: string) => Date.parse(at) * 1000;

/** Microseconds between two moments; to now where it hasn't ended. */
export const lasted = (from: string, to: string | null | undefined) => Math.max(0, (to ? micros(to) : Date.now() * 1000) - micros(from));

export const took = (from: string, to: string | null | undefined) => duration(lasted(from, to));
