import { NativeSelect, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import type { InsightRow } from '../../api/insights';
import { Facts } from '../../components/Facts';
import { Money } from '../../components/Money';
import { Shown } from '../../components/states';
import { count, duration, percent } from '../../format';
import { dollarsOf } from '../../money';
import { builder } from '../../strings/builder';
import { useUrl } from '../../url';

const words = builder.figures;
const US_PER_MS = 1_000;

/** One insight of a workflow over a period. */
function useOf(insight_id: string, workflow: string, period: string) {
  return useQuery({
    queryKey: ['insight', insight_id, 'workflow', workflow, period],
    queryFn: async () => (await answer(api.GET('/api/v1/insights/{insight_id}', { params: { path: { insight_id }, query: { workflow, period } } }))).rows[0] ?? null,
    meta: { topics: ['spend'] },
  });
}

/** What runs of a workflow cost, how often its calls fail and how long they take. */
export function Figures({ name }: { name: string }) {
  const [search, change] = useUrl();
  const period = search.period ?? '30d';
  const perRun = useOf('cost-per-run', name, period);
  const failures = useOf('failure-rate', name, period);
  const latency = useOf('latency-p95', name, period);
  return (
    <Stack gap="sm">
      <Text size="sm" c="dimmed">{words.about}</Text>
      <NativeSelect size="xs" label={words.period} value={period} data={Object.entries(words.days).map(([value, label]) => ({ value, label }))} onChange={(event) => change({ period: event.currentTarget.value === '30d' ? undefined : event.currentTarget.value })} w={160} />
      <Shown of={perRun}>
        {(row) => (
          <Facts
            of={[
              [words.cost, row && <Money key="cost" usd={dollarsOf(BigInt(row.numerator))} />],
              [words.runs, row && count(row.denominator)],
              [words.perRun, row?.usd ? <Money key="run" usd={row.usd} /> : words.notMeasured],
            ]}
          />
        )}
      </Shown>
      <Shown of={failures}>{(row) => <Facts of={[[words.calls, row && count(row.denominator)], [words.failures, measured(row, percent)]]} />}</Shown>
      <Shown of={latency}>{(row) => <Facts of={[[words.p95, measured(row, (value) => duration(value * US_PER_MS))]]} />}</Shown>
    </Stack>
  );
}

/** A value, or that nobody measured it: not a zero. */
function measured(row: InsightRow | null, show: (value: number) => string): string {
  return row?.value === null || row?.value === undefined ? words.notMeasured : show(row.value);
}
