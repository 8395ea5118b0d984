import { Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { Facts } from '../../components/Facts';
import { Money } from '../../components/Money';
import { Shown } from '../../components/states';
import { count } from '../../format';
import { rangeOf } from '../../range';
import { keys as words } from '../../strings/keys';

/** What the ledger says of a key in the last thirty days, by model. */
export function useUsage(id: string, enabled = true) {
  return useQuery({
    queryKey: ['keys', 'usage', id],
    queryFn: () => answer(api.GET('/api/v1/ledger/sums', { params: { query: { key_id: id, by: 'model', since: rangeOf('30d').since } } })),
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
        {({ data }) =>
          data.length === 0 ? (
            <Text size="sm" c="dimmed">{words.usedNever}</Text>
          ) : (
            <Facts of={data.map((one) => [one.group.model || '—', <span key="sum" className="figures">{words.usedRequests(count(one.requests))} · <Money usd={one.cost_usd} /></span>])} />
          )
        }
      </Shown>
    </section>
  );
}
