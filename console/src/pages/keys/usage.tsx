import { Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { insightOf } from '../../api/insights';
import { Facts } from '../../components/Facts';
import { Money } from '../../components/Money';
import { Shown } from '../../components/states';
import { count } from '../../format';
import { keys as words } from '../../strings/keys';

const PERIOD = '30d';

/** What a key was used for in the last thirty days, by model; from sums by day, however much it called. */
export function useUsage(id: string, enabled = true) {
  return useQuery({
    queryKey: ['keys', 'usage', id],
    queryFn: async () => {
      const [requests, spend] = await Promise.all([insightOf('requests', PERIOD, 'model', id), insightOf('spend', PERIOD, 'model', id)]);
      const costs = new Map(spend.map((row) => [row.group.model, row.usd]));
      return requests.map((row) => ({ model: row.group.model ?? '', requests: row.numerator, usd: costs.get(row.group.model) }));
    },
    enabled,
    meta: { topics: ['spend'] },
  });
}

export function Usage({ id }: { id: string }) {
  const sums = useUsage(id);
  return (
    <section aria-label={words.used}>
      <Title order={3} mb="xs">{words.used}</Title>
      <Shown of={sums}>
        {(used) =>
          used.length === 0 ? (
            <Text size="sm" c="dimmed">{words.usedNever}</Text>
          ) : (
            <Facts of={used.map((one) => [one.model || '—', <span key="sum" className="figures">{words.usedRequests(count(one.requests))} · <Money usd={one.usd} /></span>])} />
          )
        }
      </Shown>
    </section>
  );
}
