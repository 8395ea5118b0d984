import { Select, Stack, Table, Text } from '@mantine/core';
import { useCallback } from 'react';
import { ApiError } from '../../api/errors';
import { useMay } from '../../api/session';
import { ChartCard } from '../../charts/ChartCard';
import type { Ink } from '../../charts/Chart';
import { Money } from '../../components/Money';
import { NoCalls } from '../../components/NoCalls';
import { Columns, Figure, Panel } from '../../components/Page';
import { Marked, Shown } from '../../components/states';
import { percent } from '../../format';
import { approximately, onAxis, roughly } from '../../money';
import { economics as words } from '../../strings/economics';
import { useUrl } from '../../url';
import { usePlan } from './asked';
import { SetAssumption } from './assumptions';
import { Method, noCalls } from './parts';
import type { Plan, PlanCase } from './shapes';

const share = (text: string) => percent(Number(text));

export function PlanTab() {
  const plan = usePlan();
  const may = useMay();
  const missing = plan.error instanceof ApiError && /^[a-z]+\.[a-z_]+$/.test(plan.error.field ?? '') ? plan.error : null;
  if (noCalls(plan.error)) return <NoCalls title={words.nothing} />;
  if (missing !== null && plan.data === undefined && may('finance:book:update')) {
    return (
      <Panel title={words.planNeeds}>
        <Stack gap="sm">
          <Text size="sm"><Marked text={missing.message} /></Text>
          <Text size="sm" c="dimmed">{words.planNeedsHint}</Text>
          <SetAssumption key={missing.field} name={missing.field ?? ''} />
        </Stack>
      </Panel>
    );
  }
  return <Shown of={plan}>{(known) => <Planned plan={known} />}</Shown>;
}

function Planned({ plan }: { plan: Plan }) {
  const [search, change] = useUrl();
  const chosen = plan.cases.find((one) => one.name === search.case) ?? plan.cases.find((one) => one.name === 'base') ?? plan.cases[0];
  if (chosen === undefined) return null;
  const [low, high] = [plan.cases.find((one) => one.name === 'low'), plan.cases.find((one) => one.name === 'high')];
  const cases = plan.cases.map((one) => ({ value: one.name, label: words.cases[one.name] ?? one.name }));
  const rate = chosen.irr[0];
  return (
    <Stack gap="md">
      <Select w={160} size="xs" aria-label={words.tabs.plan} data={cases} value={chosen.name} onChange={(value) => change({ case: value ?? undefined })} allowDeselect={false} />
      <Columns min={200}>
        <Figure name={words.npv} hint={low && high && words.lowToHigh(roughly(low.npv_usd), roughly(high.npv_usd))}><Money usd={chosen.npv_usd} rounded /></Figure>
        <Figure name={words.roi} hint={chosen.roi_told}>{chosen.roi ? share(chosen.roi) : words.noValue}</Figure>
        <Figure name={words.payback} hint={`${words.breakEven}: ${chosen.break_even_told}`}>
          {chosen.payback_months ? words.months(Number(chosen.payback_months).toFixed(1)) : words.noValue}
        </Figure>
        <Figure name={words.irr} hint={chosen.irr_told}>{rate === undefined ? words.noValue : share(rate)}</Figure>
      </Columns>
      <Columns min={440}>
        <Cumulative plan={plan} chosen={chosen} />
        <Tornado plan={plan} />
      </Columns>
      <Panel title={words.tco}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th scope="col">{words.what}</Table.Th>
              <Table.Th scope="col" ta="right">{words.before}</Table.Th>
              <Table.Th scope="col" ta="right">{words.after}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {chosen.tco.map((line) => (
              <Table.Tr key={line.what} fw={line.what === 'total' ? 600 : undefined}>
                <Table.Td>{words.tcoNames[line.what] ?? line.what}</Table.Td>
                <Table.Td ta="right"><Money usd={line.before_usd} rounded /></Table.Td>
                <Table.Td ta="right"><Money usd={line.after_usd} rounded /></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Panel>
      <Panel title={words.method}>
        {plan.draws && (
          <Text size="sm" mb="xs">
            {words.drawsTold(String(plan.draws.draws), roughly(plan.draws.p05_usd), roughly(plan.draws.p50_usd), roughly(plan.draws.p95_usd), share(plan.draws.positive_share))}
          </Text>
        )}
        <Method of={plan.method} />
      </Panel>
    </Stack>
  );
}

/** A mark on each month would hide the line that it is on. */
const MONTHS_BETWEEN_MARKS = 6;

/** The balance of each case, month by month, with the line it has to cross. */
function Cumulative({ plan, chosen }: { plan: Plan; chosen: PlanCase }) {
  const option = useCallback(
    (ink: Ink) => ({
      grid: { left: 8, right: 16, top: 34, bottom: 4, containLabel: true },
      legend: { top: 0, right: 0, textStyle: { color: ink.text } },
      xAxis: { type: 'category' as const, data: chosen.months.map((one) => String(one.month)), axisLine: { lineStyle: { color: ink.line } }, axisLabel: { color: ink.text } },
      yAxis: { type: 'value' as const, splitLine: { lineStyle: { color: ink.line } }, axisLabel: { color: ink.text, formatter: onAxis } },
      series: plan.cases.map((one, index) => {
        const { colour, dash, shape } = ink.mark(index);
        return {
          type: 'line' as const, name: words.cases[one.name] ?? one.name, data: one.months.map((month) => approximately(month.cumulative_usd)),
          symbol: shape, symbolSize: (_: unknown, { dataIndex }: { dataIndex: number }) => (dataIndex % MONTHS_BETWEEN_MARKS === 0 ? 8 : 0), showAllSymbol: true, itemStyle: { color: colour }, lineStyle: { color: colour, type: dash as number[], width: one === chosen ? 3 : 1.5 },
          markLine: index === 0 ? { silent: true, symbol: 'none', label: { show: false }, lineStyle: { color: ink.text, type: 'solid' as const }, data: [{ yAxis: 0 }] } : undefined,
        };
      }),
    }),
    [plan, chosen],
  );
  const rows = chosen.months.map((one) => [String(one.month), <Money key="usd" usd={one.cumulative_usd} />]);
  return (
    <ChartCard title={words.cumulative} label={words.cumulativeLabel(chosen.break_even_told)} option={option} table={{ columns: [words.month, words.cumulative], rows }} height={300} />
  );
}

/** What the value swings by when one figure moves alone, the widest at the top. */
function Tornado({ plan }: { plan: Plan }) {
  const option = useCallback(
    (ink: Ink) => {
      const lines = [...plan.tornado].reverse();
      const ends = lines.map((one) => [approximately(one.npv_at_low_usd), approximately(one.npv_at_high_usd)] as const);
      return {
        grid: { left: 8, right: 24, top: 12, bottom: 4, containLabel: true },
        tooltip: { show: false },
        yAxis: { type: 'category' as const, data: lines.map((one) => one.name), axisTick: { show: false }, axisLine: { lineStyle: { color: ink.line } }, axisLabel: { color: ink.text } },
        xAxis: { type: 'value' as const, scale: true, splitLine: { lineStyle: { color: ink.line } }, axisLabel: { color: ink.text, formatter: onAxis, hideOverlap: true } },
        series: [
          { type: 'bar' as const, stack: 'all', stackStrategy: 'all' as const, silent: true, itemStyle: { color: 'transparent' }, data: ends.map(([a, b]) => Math.min(a, b)) },
          { type: 'bar' as const, stack: 'all', stackStrategy: 'all' as const, barMaxWidth: 22, itemStyle: { color: ink.mark(0).colour }, data: ends.map(([a, b]) => Math.abs(b - a)) },
        ],
      };
    },
    [plan],
  );
  const rows = plan.tornado.map((one) => [one.name, <Money key="low" usd={one.npv_at_low_usd} />, <Money key="high" usd={one.npv_at_high_usd} />, <Money key="swing" usd={one.swing_usd} />]);
  return (
    <ChartCard title={words.tornado} label={words.tornadoLabel} option={option} table={{ columns: [words.figure, words.atLow, words.atHigh, words.swing], rows }} height={300} />
  );
}
