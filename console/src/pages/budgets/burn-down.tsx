import { useCallback, useMemo } from 'react';
import type { Ink } from '../../charts/Chart';
import { ChartCard } from '../../charts/ChartCard';
import { day } from '../../format';
import { budgets as words } from '../../strings/budgets';
import { type Outlook, amountSaid, burnDown } from './figures';

const said = words.chart;

/** What was spent so far against the limit, and where it goes. */
export function BurnDownChart({ one, windowStart, resetsAt }: { one: Outlook; windowStart: string; resetsAt: string | null }) {
  const drawn = useMemo(() => burnDown(one, windowStart, resetsAt), [one, windowStart, resetsAt]);
  const option = useCallback(
    (ink: Ink) => {
      const line = (name: string, index: number, data: (number | null)[], width = 2) => ({
        name, type: 'line' as const, data, showSymbol: data.filter((value) => value !== null).length < 3, symbol: ink.mark(index).shape,
        lineStyle: { color: ink.mark(index).colour, type: ink.mark(index).dash as never, width }, itemStyle: { color: ink.mark(index).colour },
      });
      return {
        grid: { left: 8, right: 16, top: 32, bottom: 8, containLabel: true },
        legend: { top: 0, left: 0, textStyle: { color: ink.text } },
        xAxis: { type: 'category' as const, data: drawn.days.map(day), axisLine: { lineStyle: { color: ink.line } }, axisLabel: { color: ink.text } },
        yAxis: { type: 'value' as const, splitLine: { lineStyle: { color: ink.line } }, axisLabel: { color: ink.text } },
        series: [
          line(said.spent, 0, drawn.spent.map((value) => (value === null ? null : Number(value))), 3),
          line(said.expected, 1, drawn.expected),
          ...(one.low === null ? [] : [line(said.low, 2, drawn.low, 1), line(said.high, 3, drawn.high, 1)]),
          line(said.limit, 6, drawn.days.map(() => Number(one.limit)), 1),
        ],
      };
    },
    [drawn, one.limit, one.low],
  );
  const table = {
    columns: [said.day, said.spent, said.expected],
    rows: drawn.days.map((at, index) => {
      const spent = drawn.spent[index];
      const last = index === drawn.days.length - 1;
      return [day(at), spent === null || spent === undefined ? '' : amountSaid(spent), last ? amountSaid(one.expected) : ''];
    }),
  };
  return <ChartCard title={words.outlook} label={words.label(amountSaid(one.spent), amountSaid(one.limit), amountSaid(one.expected))} option={option} table={table} height={220} />;
}
