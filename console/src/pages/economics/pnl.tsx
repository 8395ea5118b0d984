import { Group, Stack, Table, Text, TextInput } from '@mantine/core';
import { Money } from '../../components/Money';
import { Panel } from '../../components/Page';
import { Empty, Shown } from '../../components/states';
import { percent } from '../../format';
import { server } from '../../place';
import { economics as words } from '../../strings/economics';
import { useUrl } from '../../url';
import { usePnl } from './asked';
import { lastMonth, monthOf } from './figures';
import { Method, Queries } from './parts';
import type { Pnl, PnlLine } from './shapes';

const REVENUE = `curl -s ${server}/api/v1/finance/revenue \\
  -H "authorization: Bearer $LEGATO_ADMIN_KEY" -H "content-type: application/json" \\
  -d '{"entries": [{"team": "platform", "feature": "letters", "period": "${monthOf()}", "amount": "1200"}]}'`;

export function ProfitAndLoss() {
  const [search, change] = useUrl();
  const [since, until] = [search.since ?? lastMonth(), search.until ?? monthOf()];
  const pnl = usePnl(since, until);
  return (
    <Stack gap="md">
      <Group gap="xs">
        <TextInput type="month" size="xs" label={words.since} value={since} max={until} onChange={(event) => change({ since: event.currentTarget.value || undefined })} />
        <TextInput type="month" size="xs" label={words.until} value={until} min={since} onChange={(event) => change({ until: event.currentTarget.value || undefined })} />
      </Group>
      <Shown of={pnl}>{(known) => <Lines pnl={known} />}</Shown>
    </Stack>
  );
}

function Lines({ pnl }: { pnl: Pnl }) {
  const right = { ta: 'right', scope: 'col' } as const;
  return (
    <Panel title={words.pnlTitle(pnl.since, pnl.until)}>
      {pnl.features.length === 0 ? (
        <Empty title={words.pnlEmpty} call={REVENUE}>{words.pnlEmptyHint}</Empty>
      ) : (
        <Table.ScrollContainer minWidth={860} type="native">
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th scope="col">{words.feature}</Table.Th>
                <Table.Th scope="col">{words.team}</Table.Th>
                <Table.Th {...right}>{words.revenue}</Table.Th>
                <Table.Th {...right}>{words.ai}</Table.Th>
                <Table.Th {...right}>{words.review}</Table.Th>
                <Table.Th {...right}>{words.other}</Table.Th>
                <Table.Th {...right}>{words.contribution}</Table.Th>
                <Table.Th {...right}>{words.marginColumn}</Table.Th>
                <Table.Th {...right}>{words.ofRevenue}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {[...pnl.features, pnl.total].map((line) => <Line key={`${line.org}/${line.team}/${line.feature}`} line={line} total={line === pnl.total} />)}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Text size="sm" my="xs">{pnl.profitable_told}</Text>
      <Method of={pnl.total.told} />
      <Queries of={pnl.queries} />
    </Panel>
  );
}

function Line({ line, total }: { line: PnlLine; total: boolean }) {
  const share = (text: string) => (text ? percent(Number(text)) : words.noValue);
  return (
    <Table.Tr fw={total ? 600 : undefined}>
      <Table.Td>{line.feature}</Table.Td>
      <Table.Td>{line.team}</Table.Td>
      <Table.Td ta="right"><Money usd={line.revenue_usd} rounded /></Table.Td>
      <Table.Td ta="right"><Money usd={line.ai_usd} rounded /></Table.Td>
      <Table.Td ta="right"><Money usd={line.review_usd} rounded /></Table.Td>
      <Table.Td ta="right"><Money usd={line.other_usd} rounded /></Table.Td>
      <Table.Td ta="right"><Money usd={line.contribution_usd} rounded /></Table.Td>
      <Table.Td ta="right">{share(line.contribution_margin)}</Table.Td>
      <Table.Td ta="right">{share(line.ai_of_revenue)}</Table.Td>
    </Table.Tr>
  );
}
