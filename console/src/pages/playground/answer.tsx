import { Group, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answer as answered, api } from '../../api/client';
import { useMay } from '../../api/session';
import { Inert } from '../../components/Inert';
import { Money } from '../../components/Money';
import { Panel } from '../../components/Page';
import { Failure } from '../../components/states';
import { count, duration } from '../../format';
import { sumOf } from '../../money';
import { playground as words } from '../../strings/playground';
import type { Answer } from './asking';

const LEDGER_MS = 700;

/** What one model answered, as it comes, and what it cost. */
export function AnswerOf({ model, answer }: { model: string; answer: Answer }) {
  const may = useMay();
  const stopped = answer.problem instanceof DOMException && answer.problem.name === 'AbortError';
  return (
    <Panel title={model}>
      <Stack gap="sm">
        {answer.text !== '' && <Inert text={answer.text} label={words.answer(model)} height={420} />}
        {answer.calls.length > 0 && (
          <Inert text={answer.calls.map((call) => `${call.name}(${call.args})`).join('\n')} label={words.toolCalls} />
        )}
        {stopped && <Text size="sm" c="dimmed">{words.stopped}</Text>}
        {answer.problem !== null && !stopped && <Failure problem={answer.problem} />}
        {answer.firstMs === null && answer.wholeMs === null && <Text size="sm" c="dimmed" role="status">{words.waiting}</Text>}
        <Facts answer={answer} />
        {answer.wholeMs !== null && answer.requestId !== '' && may('control:ledger:read') && <Cost requestId={answer.requestId} />}
      </Stack>
    </Panel>
  );
}

function Facts({ answer }: { answer: Answer }) {
  const facts: [string, string][] = [];
  if (answer.firstMs !== null) facts.push([words.first, duration(answer.firstMs * 1_000)]);
  if (answer.wholeMs !== null) facts.push([words.whole, duration(answer.wholeMs * 1_000)]);
  if (answer.sent !== null && answer.received !== null) facts.push([words.tokens, words.tokensOf(count(answer.sent), count(answer.received))]);
  if (answer.cache !== '') facts.push([words.cache, answer.cache]);
  if (answer.requestId !== '') facts.push([words.request, answer.requestId]);
  return (
    <Group gap="md">
      {facts.map(([name, value]) => (
        <Text key={name} size="sm" style={{ overflowWrap: 'anywhere' }}>
          <Text span inherit c="dimmed">{name}: </Text>{value}
        </Text>
      ))}
    </Group>
  );
}

/** As the ledger has it, which is a moment behind the answer. */
function Cost({ requestId }: { requestId: string }) {
  const { data } = useQuery({
    queryKey: ['ledger', 'request', requestId],
    queryFn: async () => {
      const { data } = await answered(api.GET('/api/v1/ledger/sums', { params: { query: { request_id: requestId, by: 'kind' } } }));
      return data.length === 0 ? null : sumOf(data.map((one) => one.cost_usd));
    },
    refetchInterval: ({ state }) => (state.data || state.error ? false : LEDGER_MS),
  });
  return (
    <Text size="sm">
      <Text span inherit c="dimmed">{words.cost}: </Text>
      {data ? <Money usd={data} /> : words.costPending}
    </Text>
  );
}
