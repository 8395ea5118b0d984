import { List, Stack, Text } from '@mantine/core';
import { Waterfall } from '../../charts/Waterfall';
import { Money } from '../../components/Money';
import { NoCalls } from '../../components/NoCalls';
import { Columns, Figure, Panel } from '../../components/Page';
import { Shown } from '../../components/states';
import { count, percent } from '../../format';
import { dollarsOf } from '../../money';
import { daysOf, useRange } from '../../range';
import { economics as words } from '../../strings/economics';
import { useStatement } from './asked';
import { Queries } from './parts';
import type { Statement } from './shapes';

export function Savings() {
  const { period } = useRange();
  return <Shown of={useStatement(period)}>{(statement) => (statement.cost === 0 && statement.saved === 0 && statement.unpriced === 0 ? <NoCalls title={words.nothing} /> : <Told statement={statement} period={period} />)}</Shown>;
}

function Told({ statement, period }: { statement: Statement; period: string }) {
  const baseline = statement.cost + statement.saved;
  return (
    <Stack gap="md">
      <Text fw={600}>{statement.headline}</Text>
      <Columns min={200}>
        <Figure name={words.baseline}><Money usd={dollarsOf(BigInt(baseline))} rounded /></Figure>
        <Figure name={words.cost}><Money usd={dollarsOf(BigInt(statement.cost))} rounded /></Figure>
        <Figure name={words.saved} hint={baseline > 0 && words.savedHint(percent(statement.saved / baseline))}>
          <Money usd={dollarsOf(BigInt(statement.saved))} rounded />
        </Figure>
        <Figure name={words.unpriced} hint={words.unpricedHint}>{count(statement.unpriced)}</Figure>
      </Columns>
      <Waterfall amounts={statement.bars.map(([name, nano]) => ({ name, usd: dollarsOf(BigInt(nano)) }))} days={daysOf(period)} height={320} />
      <Panel title={words.how}>
        <List size="sm">{statement.modelled.map((one) => <List.Item key={one}>{one}</List.Item>)}</List>
        <Queries of={statement.queries} />
      </Panel>
    </Stack>
  );
}
