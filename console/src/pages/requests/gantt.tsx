import { Group, Stack, Table, Text } from '@mantine/core';
import { duration } from '../../format';
import { requests as words } from '../../strings/requests';
import classes from './gantt.module.css';
import { type RequestDetail, spansOf } from './shape';

/** Stages in their order, each a bar where it lay in the request; below the call, its attempts. */
export function Gantt({ request }: { request: RequestDetail }) {
  const spans = spansOf(request.stages);
  const total = Math.max(request.total_us, 1);
  const facts = [
    [words.time.total, request.total_us],
    [words.time.upstream, request.upstream_us],
    [words.time.own, Math.max(0, request.total_us - request.upstream_us)],
    [words.time.firstByte, request.first_byte_us],
  ] as const;
  return (
    <Stack>
      <Group gap="xl">
        {facts.map(([name, us]) => (
          <div key={name}>
            <Text size="sm" c="dimmed">{name}</Text>
            <Text fw={600} className="figures">{duration(us)}</Text>
          </div>
        ))}
      </Group>
      <Table aria-label={words.time.label(duration(request.total_us))} verticalSpacing={4} withRowBorders={false}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th scope="col" w={150}>{words.time.stage}</Table.Th>
            <Table.Th scope="col">{words.time.bar}</Table.Th>
            <Table.Th scope="col" ta="right" w={90}>{words.time.took}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {spans.map((span, index) => (
            <Table.Tr key={`${span.name}-${index}`}>
              <Table.Td>{span.name}</Table.Td>
              <Table.Td>
                <div className={classes.track}>
                  <div
                    className={classes.bar}
                    data-upstream={span.name === 'call' ? '' : undefined}
                    style={{ left: `${(100 * span.startUs) / total}%`, width: `${Math.min(100, (100 * span.us) / total)}%` }}
                  />
                </div>
              </Table.Td>
              <Table.Td ta="right">{duration(span.us)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}
