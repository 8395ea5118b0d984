import { useCallback } from 'react';
import { ChartCard } from '../../charts/ChartCard';
import type { Ink } from '../../charts/Chart';
import { Money } from '../../components/Money';
import { day, shortDay } from '../../format';
import { approximately, onAxis, roughly } from '../../money';
import { overview as words } from '../../strings/overview';
import type { Waterfall } from './figures';

/** Cost as bars, what the baseline would have cost as a dashed line. */
export function Daily({ days, waterfall }: { days: Waterfall['days']; waterfall: Waterfall }) {
  const option = useCallback(
    (ink: Ink) => ({
      grid: { left: 8, right: 8, top: 30, bottom: 4, containLabel: true },
      xAxis: { type: 'category' as const, data: days.map((one) => shortDay(one.day)), axisLine: { lineStyle: { color: ink.line } }, axisTick: { show: false }, axisLabel: { color: ink.text } },
      yAxis: { type: 'value' as const, splitLine: { lineStyle: { color: ink.line } }, axisLabel: { color: ink.text, formatter: onAxis } },
      legend: { top: 0, right: 0, textStyle: { color: ink.text }, icon: 'rect', itemHeight: 8 },
      series: [
        { type: 'bar' as const, name: words.cost, data: days.map((one) => approximately(one.cost)), itemStyle: { color: ink.mark(0).colour }, barMaxWidth: 34 },
        {
          type: 'line' as const, name: words.baseline, data: days.map((one) => approximately(one.baseline)), symbol: 'rect', symbolSize: 6,
          itemStyle: { color: ink.mark(1).colour }, lineStyle: { color: ink.mark(1).colour, type: [6, 3], width: 2 },
        },
      ],
    }),
    [days],
  );
  const rows = days.map((one) => [day(one.day), <Money key="cost" usd={one.cost} />, <Money key="baseline" usd={one.baseline} />]);
  return (
    <ChartCard
      title={words.daily}
      label={words.dailyLabel(roughly(waterfall.cost), roughly(waterfall.baseline))}
      option={option}
      table={{ columns: [words.day, words.cost, words.baseline], rows }}
    />
  );
}
