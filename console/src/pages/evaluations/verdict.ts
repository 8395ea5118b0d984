import type { components } from '../../api/schema';

type Difference = components['schemas']['evaluation_grid_Difference'];
export type Verdict = 'worse' | 'better' | 'same';

/** Whether a subject is told apart from its baseline: its whole interval lies on one side of none. */
export function verdictOf(one: Pick<Difference, 'low' | 'high'>): Verdict {
  if (one.high < 0) return 'worse';
  return one.low > 0 ? 'better' : 'same';
}
