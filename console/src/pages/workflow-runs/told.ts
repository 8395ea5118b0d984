import type { Told } from '../../flow/Canvas';
import { exactly } from '../../money';
import { runs as words } from '../../strings/workflow-runs';
import { type RunDetail, took } from './parts';

/** What is told of each node of a run in its graph. */
export function toldOf(detail: RunDetail): Map<string, Told> {
  const waiting = new Set(detail.waits.map((one) => one.node));
  return new Map(
    detail.steps.filter((one) => one.name === '').map((step) => {
      const cost = detail.cost.by_node[step.node];
      const state = step.state === 'started' && waiting.has(step.node) ? 'waiting' : step.state;
      return [step.node, { state, port: step.port || undefined, left: state === 'skipped' ? (words.states.skipped ?? '') : took(step.started_at, step.ended_at), right: cost === undefined ? undefined : exactly(cost) }];
    }),
  );
}
