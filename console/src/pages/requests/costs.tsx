import { Table, Text } from '@mantine/core';
import { Money } from '../../components/Money';
import { exactly } from '../../money';
import { requests as words } from '../../strings/requests';
import type { RequestDetail } from './shape';

/** What each attempt cost, by the ledger. */
export function Costs({ request }: { request: RequestDetail }) {
  if (request.entries.length === 0) return <Text size="sm">{words.cost.none}</Text>;
  const steps = (each: Record<string, string>) => Object.entries(each).map(([name, usd]) => `${name} ${exactly(usd)}`).join(', ');
  return (
    <Table aria-label={words.cost.label}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{words.cost.attempt}</Table.Th>
          <Table.Th scope="col">{words.cost.deployment}</Table.Th>
          <Table.Th scope="col">{words.cost.status}</Table.Th>
          <Table.Th scope="col" ta="right">{words.cost.cost}</Table.Th>
          <Table.Th scope="col" ta="right">{words.cost.baseline}</Table.Th>
          <Table.Th scope="col">{words.cost.steps}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {request.entries.map((entry, index) => (
          <Table.Tr key={`${entry.attempt}-${index}`}>
            <Table.Td>{entry.attempt}</Table.Td>
            <Table.Td>{entry.deployment}</Table.Td>
            <Table.Td>{entry.status}</Table.Td>
            <Table.Td ta="right"><Money usd={entry.cost_usd} /></Table.Td>
            <Table.Td ta="right"><Money usd={entry.baseline_usd} /></Table.Td>
            <Table.Td>{steps(entry.steps_usd) || words.cost.noSteps}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
