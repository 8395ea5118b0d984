import { approximately, dollarsOf, nanoOf } from '../money';

/** A step of a waterfall and its amount in dollars, exact; `baseline` and `cost` stand on the ground. */
export interface Amount {
  name: string;
  usd: string;
}

export interface Bar extends Amount {
  /** Where it begins and ends in the chart, in dollars: lengths only, never shown as figures. */
  from: number;
  to: number;
  /** Whether it stands on the ground. */
  whole: boolean;
}

/** Lay amounts end to end; steps of nothing are left out. */
export function barsOf(amounts: Amount[]): Bar[] {
  let at = 0n;
  return amounts
    .map(({ name, usd }) => {
      const whole = name === 'baseline' || name === 'cost';
      const from = whole ? 0n : at;
      at = whole ? nanoOf(usd) : at + nanoOf(usd);
      return { name, usd: dollarsOf(nanoOf(usd)), from: approximately(dollarsOf(from)), to: approximately(dollarsOf(at)), whole };
    })
    .filter((bar) => bar.whole || bar.from !== bar.to);
}
