import type { components } from '../../api/schema';

type Schemas = components['schemas'];
export type RequestRow = Schemas['OneRequest'];
export type RequestDetail = Schemas['RequestDetail'];

export type Fate = 'blocked' | 'hit' | 'answered' | 'failed' | 'refused';

/** What became of a request, in one word. */
export function fateOf(row: Pick<RequestRow, 'guard' | 'cache' | 'attempts' | 'http_status' | 'error_code'>): Fate {
  if (row.http_status < 400 && (row.cache === 'hit' || row.cache === 'semantic')) return 'hit';
  if (row.error_code === 'input_blocked' || (row.guard === 'block' && row.attempts === 0)) return 'blocked';
  if (row.attempts === 0) return 'refused';
  return row.http_status < 400 ? 'answered' : 'failed';
}

/** A rule of a guardrail that fired, as `guarded` has it. */
export interface Fired {
  policy: string;
  rule: string;
  label: string;
  action: string;
}

export function firedOf(guarded: RequestDetail['guarded']): Fired[] {
  return (guarded?.fired as Fired[] | undefined) ?? [];
}

/** A deployment that was weighed for its quality. */
export interface Weighed {
  deployment: string;
  mean: number | null;
  cost: number | null;
  reason: string;
}

export interface Routed {
  rule: string;
  floor: number;
  options: Weighed[];
}

export interface Semantic {
  similarity: number;
  score: number;
  threshold: number;
}

/** A deployment that was asked, or passed over, and what came of it. */
export interface Step {
  deployment: string;
  code: string;
  http_status: number;
}

export interface Span {
  name: string;
  startUs: number;
  us: number;
}

/** Stages follow each other; what lies between the last and the end is left open. */
export function spansOf(stages: { name: string; us: number }[]): Span[] {
  let startUs = 0;
  return stages.map(({ name, us }) => {
    const span = { name, startUs, us };
    startUs += us;
    return span;
  });
}
