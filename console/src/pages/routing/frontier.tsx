import { useCallback } from 'react';
import type { Ink } from '../../charts/Chart';
import { ChartCard } from '../../charts/ChartCard';
import { Money } from '../../components/Money';
import { approximately, onAxis } from '../../money';
import { routing as words } from '../../strings/routing';
import { type Known, frontierOf, sayQuality } from './quality';

/** Cost against quality: each deployment a point with its own shape, a line through those that none beats. */
export function Frontier({ of }: { of: Known[] }) {
  const known = of.filter((one) => one.perRequest !== null && one.quality !== null);
  const option = useCallback(
    (ink: Ink) => {
      const at = (one: Known): [number, number] => [approximately(one.perRequest ?? '0'), one.quality?.value ?? 0];
      const shown = of.filter((one) => one.perRequest !== null && one.quality !== null);
      const axis = { axisLine: { lineStyle: { color: ink.line } }, splitLine: { lineStyle: { color: ink.line } }, nameTextStyle: { color: ink.text }, nameLocation: 'middle' as const };
      return {
        grid: { left: 30, right: 24, top: 34, bottom: 26, containLabel: true },
        legend: { top: 0, right: 0, textStyle: { color: ink.text } },
        xAxis: { type: 'value' as const, min: 0, name: words.axisCost, nameGap: 28, axisLabel: { color: ink.text, formatter: onAxis }, ...axis },
        yAxis: { type: 'value' as const, min: 0, max: 1, name: words.axisQuality, nameGap: 36, axisLabel: { color: ink.text }, ...axis },
        series: [
          { type: 'line' as const, name: words.line, data: frontierOf(of).map(at), symbol: 'none', lineStyle: { color: ink.text, type: 'dashed' as const, width: 1 }, itemStyle: { color: ink.text } },
          ...shown.map((one, index) => ({ type: 'scatter' as const, name: one.deployment, data: [at(one)], symbol: ink.mark(index).shape, symbolSize: 12, itemStyle: { color: ink.mark(index).colour } })),
        ],
      };
    },
    [of],
  );
  const rows = known.map((one) => [one.deployment, <Money key="cost" usd={one.perRequest} />, one.quality ? sayQuality(one.quality) : '']);
  return <ChartCard title={words.frontier} label={words.frontierLabel(known.length, of.length)} option={option} table={{ columns: [words.one.deployment, words.one.perRequest, words.one.quality], rows }} height={300} />;
}
