import { Stack, Table, Text } from '@mantine/core';
import { useCallback } from 'react';
import { ChartCard } from '../../charts/ChartCard';
import type { Ink } from '../../charts/Chart';
import { Money } from '../../components/Money';
import { NoCalls } from '../../components/NoCalls';
import { Panel } from '../../components/Page';
import { Shown } from '../../components/states';
import { count, percent } from '../../format';
import { approximately, onAxis } from '../../money';
import { economics as words } from '../../strings/economics';
import { useProjection } from './asked';
import { Method, noCalls } from './parts';
import type { Projection } from './shapes';

export function Scale() {
  const projection = useProjection();
  if (noCalls(projection.error)) return <NoCalls title={words.nothing} />;
  return <Shown of={projection}>{(found) => <Projected projection={found} />}</Shown>;
}

function Projected({ projection }: { projection: Projection }) {
  return (
    <Stack gap="md">
      <Text fw={600}>{projection.stops_told}</Text>
      <Costs projection={projection} />
      <Panel title={words.volume}>
        <Volumes projection={projection} />
        <Text size="sm" c="dimmed" mt="xs">{projection.cache_told}</Text>
      </Panel>
      <Panel title={words.method}><Method of={projection.method} /></Panel>
    </Stack>
  );
}

function Costs({ projection }: { projection: Projection }) {
  const option = useCallback(
    (ink: Ink) => {
      const names = [...new Set(projection.volumes.flatMap((one) => one.drivers.map((driver) => driver.deployment)))];
      return {
        grid: { left: 8, right: 16, top: 34, bottom: 4, containLabel: true },
        legend: { top: 0, right: 0, textStyle: { color: ink.text } },
        xAxis: { type: 'category' as const, data: projection.volumes.map((one) => `${one.factor}×`), axisLine: { lineStyle: { color: ink.line } }, axisLabel: { color: ink.text } },
        yAxis: { type: 'log' as const, splitLine: { lineStyle: { color: ink.line } }, axisLabel: { color: ink.text, formatter: onAxis } },
        series: names.map((name, index) => {
          const { colour, dash, shape } = ink.mark(index);
          const costs = projection.volumes.map((one) => approximately(one.drivers.find((driver) => driver.deployment === name)?.cost_usd ?? '0'));
          return { type: 'line' as const, name, data: costs.map((cost) => (cost > 0 ? cost : null)), symbol: shape, symbolSize: 9, itemStyle: { color: colour }, lineStyle: { color: colour, type: dash as number[] } };
        }),
      };
    },
    [projection],
  );
  const rows = projection.volumes.flatMap((one) => one.drivers.map((driver) => [`${one.factor}×`, driver.deployment, <Money key="usd" usd={driver.cost_usd} />]));
  return <ChartCard title={words.scaleTitle} label={words.scaleLabel} option={option} table={{ columns: [words.volume, words.deployment, words.cost], rows }} height={280} />;
}

function Volumes({ projection }: { projection: Projection }) {
  const right = { ta: 'right', scope: 'col' } as const;
  return (
    <Table>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{words.volume}</Table.Th>
          <Table.Th {...right}>{words.requests}</Table.Th>
          <Table.Th {...right}>{words.cachedShare}</Table.Th>
          <Table.Th {...right}>{words.cost}</Table.Th>
          <Table.Th {...right}>{words.perRequest}</Table.Th>
          <Table.Th {...right}>{words.margin}</Table.Th>
          <Table.Th {...right}>{words.limits}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {projection.volumes.map((one) => (
          <Table.Tr key={one.factor}>
            <Table.Td>{one.factor}×</Table.Td>
            <Table.Td ta="right">{count(one.requests)}</Table.Td>
            <Table.Td ta="right">{percent(Number(one.cached_share))}</Table.Td>
            <Table.Td ta="right"><Money usd={one.cost_usd} rounded /></Table.Td>
            <Table.Td ta="right"><Money usd={one.cost_per_request_usd} rounded /></Table.Td>
            <Table.Td ta="right">{one.margin ? percent(Number(one.margin)) : words.noValue}</Table.Td>
            <Table.Td ta="right">{one.limits.length === 0 ? words.none : one.limits.map((limit) => (typeof limit === 'string' ? limit : JSON.stringify(limit))).join('; ')}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
