import { Anchor } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { Money } from '../components/Money';
import { onAxis, roughly } from '../money';
import { waterfall as words } from '../strings/waterfall';
import type { Ink } from './Chart';
import { ChartCard } from './ChartCard';
import { type Amount, barsOf } from './bars';

const titleOf = (name: string) => words.steps[name] ?? name;

/** From the baseline to the cost, a bar for each step; in the table each leads to its requests of these days. */
export function Waterfall({ amounts, days, height = 240 }: { amounts: Amount[]; days: string; height?: number }) {
  const bars = useMemo(() => barsOf(amounts), [amounts]);
  const option = useCallback(
    (ink: Ink) => ({
      grid: { left: 8, right: 8, top: 30, bottom: 4, containLabel: true },
      xAxis: { type: 'category' as const, data: bars.map((bar) => titleOf(bar.name)), axisTick: { show: false }, axisLine: { lineStyle: { color: ink.line } }, axisLabel: { color: ink.text } },
      yAxis: { type: 'value' as const, splitLine: { lineStyle: { color: ink.line } }, axisLabel: { color: ink.text, formatter: onAxis } },
      tooltip: { show: false },
      series: [
        { type: 'bar' as const, stack: 'all', stackStrategy: 'all' as const, silent: true, itemStyle: { color: 'transparent' }, data: bars.map((bar) => Math.min(bar.from, bar.to)) },
        {
          type: 'bar' as const, stack: 'all', stackStrategy: 'all' as const, barMaxWidth: 64,
          data: bars.map((bar) => ({ value: Math.abs(bar.to - bar.from), itemStyle: { color: ink.mark(bar.name === 'baseline' ? 6 : bar.name === 'cost' ? 0 : bar.to < bar.from ? 2 : 1).colour } })),
          label: { show: true, position: 'top' as const, color: ink.text, formatter: ({ dataIndex }: { dataIndex: number }) => roughly(bars[dataIndex]?.usd ?? '0') },
        },
      ],
    }),
    [bars],
  );
  const rows = bars.map((bar) => [titleOf(bar.name), <Money key="usd" usd={bar.usd} />, <Requests key="open" bar={bar.name} whole={bar.whole} days={days} />]);
  const ends = [bars[0]?.usd ?? '0', bars.at(-1)?.usd ?? '0'] as const;
  return (
    <ChartCard title={words.title} label={words.label(roughly(ends[0]), roughly(ends[1]))} option={option} table={{ columns: [words.step, words.amount, words.requests], rows }} height={height} />
  );
}

/** What stands behind a bar: of a step the requests that it saved something of, or cost something. */
function Requests({ bar, whole, days }: { bar: string; whole: boolean; days: string }) {
  const search = whole ? { range: days } : { step: bar, range: days };
  return <Anchor component={Link} to="/requests" search={search as never} size="sm" aria-label={words.requestsOf(titleOf(bar))}>{words.requests}</Anchor>;
}
