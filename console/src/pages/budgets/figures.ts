import type { components } from '../../api/schema';
import { count } from '../../format';
import { dollarsOf, exactly, nanoOf } from '../../money';
import { budgets as words } from '../../strings/budgets';

export type Budget = components['schemas']['budget_forms_Budget'];
export type Outlook = components['schemas']['OutlookOfCounter'];
export type Amount = string | number;
export type Measure = 'usd' | 'tokens' | 'requests' | 'concurrency';
const MEASURES: Measure[] = ['usd', 'tokens', 'requests', 'concurrency'];
const DAY_MS = 86_400_000;

export const measureOf = (budget: Budget): Measure => MEASURES.find((one) => budget[one] !== null) ?? 'usd';

/** An amount as it is read: dollars come as text, everything else as a whole number. */
export const amountSaid = (amount: Amount) => (typeof amount === 'string' ? exactly(amount) : count(amount));

export function limitOf(budget: Budget): string {
  const measure = measureOf(budget);
  const limit = budget[measure] ?? 0;
  return typeof limit === 'string' ? exactly(limit) : `${count(limit)} ${words.units[measure]}`;
}

export function whoseOf(budget: Budget): string {
  const where = Object.entries(budget.where).map(([name, value]) => `${name} ${value}`);
  const whose = [budget.org === '*' ? words.every : budget.org, ...where].join(', ');
  return budget.each.length ? `${whose}, ${words.each(budget.each.join(' + '))}` : whose;
}

const summed = (before: Amount, more: Amount): Amount =>
  typeof before === 'string' || typeof more === 'string' ? dollarsOf(nanoOf(String(before)) + nanoOf(String(more))) : before + more;

export interface BurnDown {
  days: string[];
  /** Spent up to and with each day; null where the day is yet to come. */
  spent: (Amount | null)[];
  /** From today, a line to what is expected at the end. */
  expected: (number | null)[];
  low: (number | null)[];
  high: (number | null)[];
}

/** What was spent day by day, and where it goes until the window ends. */
export function burnDown(one: Outlook, windowStart: string, resetsAt: string | null): BurnDown {
  const start = Math.floor(Date.parse(windowStart) / DAY_MS);
  const end = resetsAt ? Math.max(start + one.burnt.length, Math.ceil(Date.parse(resetsAt) / DAY_MS)) : start + one.burnt.length;
  const length = Math.max(1, end - start);
  const days = Array.from({ length }, (_, index) => new Date((start + index) * DAY_MS).toISOString().slice(0, 10));
  let sum: Amount | undefined;
  const spent = days.map((_, index) => {
    const burnt = one.burnt[index];
    if (burnt === undefined) return null;
    sum = sum === undefined ? burnt : summed(sum, burnt);
    return sum;
  });
  const today = one.burnt.length - 1;
  const towards = (goal: Amount | null) => days.map((_, index) => {
    if (goal === null || index < today) return null;
    const from = Number(spent[today] ?? 0);
    return length - 1 === today ? Number(goal) : from + ((Number(goal) - from) * (index - today)) / (length - 1 - today);
  });
  return { days, spent, expected: towards(one.expected), low: towards(one.low), high: towards(one.high) };
}

/** The steps at which it warns, as they were typed. */
export function stepsIn(text: string | undefined): { at_percent: number; do: 'warn'; to: string }[] {
  return (text ?? '').split(',').map((one) => Number.parseInt(one.trim(), 10)).filter((one) => Number.isFinite(one)).map((at_percent) => ({ at_percent, do: 'warn' as const, to: '' }));
}
