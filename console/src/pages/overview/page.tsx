import { Progress, Stack, Table, Text } from '@mantine/core';
import { useMemo } from 'react';
import { type InsightRow, useInsight } from '../../api/insights';
import { Waterfall } from '../../charts/Waterfall';
import { Money } from '../../components/Money';
import { NoCalls } from '../../components/NoCalls';
import { Columns, Figure, Page, Panel } from '../../components/Page';
import { TimeRange } from '../../components/TimeRange';
import { Shown } from '../../components/states';
import { count, duration, percent } from '../../format';
import { approximately } from '../../money';
import { daysOf, useRange } from '../../range';
import { overview as words } from '../../strings/overview';
import { Daily } from './charts';
import { type Mixed, everyDay, mixOf, waterfallOf } from './figures';

export default function Overview() {
  const { key, period } = useRange();
  const waterfall = useInsight('waterfall', period, 'day');
  return (
    <Page title={words.title} about={words.about(words.ranges[key] ?? key)} actions={<TimeRange days />}>
      <Shown of={waterfall}>{(rows) => (rows.length === 0 ? <NoCalls title={words.empty} /> : <Spent rows={rows} period={period} />)}</Shown>
    </Page>
  );
}

function Spent({ rows, period }: { rows: InsightRow[]; period: string }) {
  const requests = useInsight('requests', period, 'deployment,outcome');
  const spend = useInsight('spend', period, 'deployment');
  const latency = useInsight('latency-p95', period, 'deployment');
  const hits = useInsight('cache-hit-rate', period);
  const triggers = useInsight('policy-triggers', period);
  const waterfall = useMemo(() => waterfallOf(rows), [rows]);
  const days = useMemo(() => everyDay(waterfall, period), [waterfall, period]);
  const mix = useMemo(() => mixOf(requests.data ?? [], spend.data ?? [], latency.data ?? []), [requests.data, spend.data, latency.data]);
  const share = approximately(waterfall.baseline) > 0 ? approximately(waterfall.saved) / approximately(waterfall.baseline) : 0;
  const all = mix.reduce((sum, one) => sum + one.requests, 0);
  const failed = mix.reduce((sum, one) => sum + one.failed, 0);
  return (
    <Stack gap="md">
      <Columns min={150}>
        <Figure name={words.cost}><Money usd={waterfall.cost} rounded /></Figure>
        <Figure name={words.saved} hint={words.savedHint(percent(share))}><Money usd={waterfall.saved} rounded /></Figure>
        <Figure name={words.baseline} hint={words.baselineHint}><Money usd={waterfall.baseline} rounded /></Figure>
        <Figure name={words.requests} hint={words.failed(percent(all ? failed / all : 0))}>
          <Shown of={requests}>{() => count(all)}</Shown>
        </Figure>
        <Figure name={words.cacheHits} hint={hits.data?.[0] && words.ofAnswers(count(hits.data[0].numerator), count(hits.data[0].denominator))}>
          <Shown of={hits}>{([one]) => measured(one, (value) => percent(value))}</Shown>
        </Figure>
        <Figure name={words.triggers} hint={triggers.data?.[0]?.value == null ? words.noPolicy : words.triggersHint}>
          <Shown of={triggers}>{([one]) => measured(one, (value) => count(Math.round(value * 10) / 10))}</Shown>
        </Figure>
      </Columns>
      <Columns min={440}>
        <Daily days={days} waterfall={waterfall} />
        <Waterfall amounts={waterfall.amounts} days={daysOf(period)} />
      </Columns>
      <Panel title={words.mix}>
        <Shown of={requests}>{() => <Mix mix={mix} all={all} />}</Shown>
      </Panel>
    </Stack>
  );
}

/** A value, or that nobody measured it: not a zero. */
function measured(row: InsightRow | undefined, show: (value: number) => string) {
  if (row?.value === null || row?.value === undefined) return <Text span c="dimmed" size="md">{words.notMeasured}</Text>;
  return show(row.value);
}

function Mix({ mix, all }: { mix: Mixed[]; all: number }) {
  const right = { ta: 'right' } as const;
  return (
    <Table.ScrollContainer minWidth={520} type="native">
    <Table>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{words.deployment}</Table.Th>
          <Table.Th scope="col" w="30%">{words.share}</Table.Th>
          <Table.Th scope="col" {...right}>{words.requests}</Table.Th>
          <Table.Th scope="col" {...right}>{words.cost}</Table.Th>
          <Table.Th scope="col" {...right}>{words.p95}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {mix.map((one) => (
          <Table.Tr key={one.deployment}>
            <Table.Td>{one.deployment || words.unnamed}</Table.Td>
            <Table.Td>
              <Progress value={(100 * one.requests) / all} aria-label={`${words.share}: ${percent(one.requests / all)}`} />
            </Table.Td>
            <Table.Td {...right}>{count(one.requests)} ({percent(one.requests / all)})</Table.Td>
            <Table.Td {...right}><Money usd={one.cost} /></Table.Td>
            <Table.Td {...right}>{one.p95Ms === null ? words.notMeasured : duration(one.p95Ms * 1_000)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
    </Table.ScrollContainer>
  );
}
