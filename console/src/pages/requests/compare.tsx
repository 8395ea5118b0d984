import { Stack, Table, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { useMay } from '../../api/session';
import { Difference } from '../../components/Difference';
import { Shown } from '../../components/states';
import { count, duration, moment } from '../../format';
import { exactly } from '../../money';
import { requests } from '../../strings/requests';
import { textOf } from './again';
import { useCapture } from './capture';
import type { RequestDetail } from './shape';

const words = requests.compare;

/** Two of the same kind beside each other; what differs is marked. */
export function Pairs({ label, names, rows }: { label: string; names: [string, string]; rows: [string, string, string][] }) {
  return (
    <Table aria-label={label} verticalSpacing={4}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th scope="col">{words.what}</Table.Th>
          <Table.Th scope="col">{names[0]}</Table.Th>
          <Table.Th scope="col">{names[1]}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {rows.map(([name, one, other]) => (
          <Table.Tr key={name}>
            <Table.Th scope="row" fw={400}>{name}</Table.Th>
            {[one, other].map((value, index) => (
              <Table.Td key={index} style={{ overflowWrap: 'anywhere' }}>{one !== other && index === 1 ? <b>≠ {value || words.none}</b> : value || words.none}</Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** Another request beside the one that is open. */
export function Compare({ request, against }: { request: RequestDetail; against: string }) {
  const may = useMay();
  const other = useQuery({ queryKey: ['request', against], queryFn: () => answer(api.GET('/api/v1/requests/{request_id}', { params: { path: { request_id: against } } })), staleTime: Number.POSITIVE_INFINITY });
  return (
    <Shown of={other}>
      {(first) => (
        <Stack>
          <Pairs label={words.label} names={[words.first, words.second]} rows={rowsOf(first, request)} />
          {may('captures:request:read') && <Contents first={first.request_id} second={request.request_id} />}
        </Stack>
      )}
    </Shown>
  );
}

function Contents({ first, second }: { first: string; second: string }) {
  const [one, other] = [useCapture(first), useCapture(second)];
  return (
    <Shown of={one}>
      {(before) => (
        <Shown of={other}>
          {(after) => {
            if (before === null || after === null) return <Text size="sm" c="dimmed">{words.notKept}</Text>;
            const text = (value: unknown) => JSON.stringify(value, null, 2) ?? '';
            return (
              <>
                <Title order={3}>{requests.content.request}</Title>
                <Difference before={text(before.request)} after={text(after.request)} label={words.requests} height={260} />
                <Title order={3}>{requests.content.answer}</Title>
                <Difference before={textOf(before) ?? text(before.answer)} after={textOf(after) ?? text(after.answer)} label={words.answers} height={260} />
              </>
            );
          }}
        </Shown>
      )}
    </Shown>
  );
}

function rowsOf(first: RequestDetail, second: RequestDetail): [string, string, string][] {
  const told = (one: RequestDetail): Record<keyof typeof words.rows, string> => ({
    id: one.request_id,
    at: moment(one.at),
    who: `${one.team} / ${one.feature}`,
    model: one.model_requested,
    route: one.route ? `${one.route.alias}${one.route.version ? ` ${one.route.version}` : ''}` : '',
    deployment: one.deployment,
    served: one.model_served,
    versions: one.versions,
    config: one.config.slice(0, 12),
    status: `${one.http_status}${one.error_code ? ` ${one.error_code}` : ''}`,
    cache: one.cache,
    guard: one.guard ?? '',
    attempts: count(one.attempts),
    tokens: Object.entries(one.tokens as Record<string, number>).map(([kind, n]) => `${kind} ${count(n)}`).join(', '),
    cost: one.cost_usd === null ? '' : exactly(one.cost_usd),
    time: duration(one.total_us),
    upstream: duration(one.upstream_us),
  });
  const [a, b] = [told(first), told(second)];
  return Object.entries(words.rows).map(([name, title]) => [title, a[name as keyof typeof a], b[name as keyof typeof b]]);
}
