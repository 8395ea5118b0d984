// What is typed of another policy, as the control API reads it.

import type { components } from '../../api/schema';

type Asked = components['schemas']['RouteAsked'];

/** A change: deployments in their order, and for those never asked whose latency they are given. */
export function changeIn(strategy: string, deployments: string, asked: string[]): Pick<Asked, 'strategy' | 'deployments' | 'like'> {
  const named = deployments.split(',').map((one) => one.trim()).filter(Boolean);
  const [first] = asked;
  const like = first === undefined ? {} : Object.fromEntries(named.filter((one) => !asked.includes(one)).map((one) => [one, first]));
  return { deployments: named, like, ...(strategy ? { strategy: strategy as NonNullable<Asked['strategy']> } : {}) };
}
