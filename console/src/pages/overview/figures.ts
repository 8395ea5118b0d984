import type { InsightRow } from '../../api/insights';
import type { Amount } from '../../charts/bars';
import { sumOf } from '../../money';
import { daysOf } from '../../range';

/** The steps from the baseline to the cost, in the order in which they apply. */
export const STEPS = ['cache', 'shortening', 'routing', 'prompt_cache', 'tier', 'overhead'];

export interface Waterfall {
  baseline: string;
  cost: string;
  saved: string;
  /** The baseline, each step that came to something, and the cost. */
  amounts: Amount[];
  days: { day: string; baseline: string; cost: string }[];
}

/** Read the waterfall by day: its sums over all days, and each day's ends. Amounts stay exact. */
export function waterfallOf(rows: InsightRow[]): Waterfall {
  const of = (step: string, day?: string) =>
    sumOf(rows.filter((row) => row.group.step === step && (day === undefined || row.group.day === day)).map((row) => row.usd));
  const days = [...new Set(rows.map((row) => row.group.day ?? ''))].sort();
  const steps = STEPS.map((name) => ({ name, usd: of(name) })).filter(({ usd }) => usd !== '0');
  const [baseline, cost] = [of('baseline'), of('cost')];
  const negative = cost.startsWith('-') ? cost.slice(1) : cost === '0' ? '0' : `-${cost}`;
  return {
    baseline,
    cost,
    saved: sumOf([baseline, negative]),
    amounts: [{ name: 'baseline', usd: baseline }, ...steps, { name: 'cost', usd: cost }],
    days: days.map((day) => ({ day, baseline: of('baseline', day), cost: of('cost', day) })),
  };
}

/** All days of a period as the insights took it, those without a call too. */
export function everyDay(waterfall: Waterfall, period: string, today = new Date()): Waterfall['days'] {
  const [from = '', to = ''] = daysOf(period, today).split('..');
  const known = new Map(waterfall.days.map((one) => [one.day, one]));
  const days: Waterfall['days'] = [];
  for (let at = Date.parse(`${from}T00:00:00Z`); at <= Date.parse(`${to}T00:00:00Z`); at += 86_400_000) {
    const day = new Date(at).toISOString().slice(0, 10);
    days.push(known.get(day) ?? { day, baseline: '0', cost: '0' });
  }
  return days;
}

export interface Mixed {
  deployment: string;
  requests: number;
  failed: number;
  cost: string | null;
  p95Ms: number | null;
}

/** What each deployment answered, most requests first. */
export function mixOf(requests: InsightRow[], spend: InsightRow[], latency: InsightRow[]): Mixed[] {
  const names = [...new Set(requests.map((row) => row.group.deployment ?? ''))];
  const valueOf = (rows: InsightRow[], name: string) => rows.find((row) => row.group.deployment === name);
  return names
    .map((deployment) => {
      const mine = requests.filter((row) => row.group.deployment === deployment);
      const total = (rows: InsightRow[]) => rows.reduce((sum, row) => sum + row.numerator, 0);
      return {
        deployment,
        requests: total(mine),
        failed: total(mine.filter((row) => row.group.outcome !== 'ok')),
        cost: valueOf(spend, deployment)?.usd ?? null,
        p95Ms: valueOf(latency, deployment)?.value ?? null,
      };
    })
    .sort((a, b) => b.requests - a.requests);
}
