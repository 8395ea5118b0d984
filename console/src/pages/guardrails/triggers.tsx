import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import { ApiError } from '../../api/errors';
import type { components } from '../../api/schema';
import { type Columns as TableColumns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Columns, Facts, State, type Tone } from '../../components/Facts';
import { ChoiceFilter, Filters } from '../../components/Filters';
import { JsonView } from '../../components/Inert';
import { Figure, Panel } from '../../components/Page';
import { Empty, Shown } from '../../components/states';
import { count, percent } from '../../format';
import { rangeOf } from '../../range';
import { guardrails as words } from '../../strings/guardrails';
import { useUrl } from '../../url';

type Rule = components['schemas']['FiredRule'];
const said = words.columns;
const TONES: Record<string, Tone> = { block: 'bad', redact: 'warn', route: 'warn', flag: 'plain' };
const policy = 'guardrails:\n  policies:\n    - name: company\n      rules:\n        - {name: keys, detect: {patterns: {key: "corp-[a-z0-9]{8}"}}, action: block}';

export const rightOf = (one: Pick<Rule, 'precision' | 'precision_low' | 'precision_high' | 'confirmed' | 'rejected'>) =>
  one.precision === null || one.precision_low === null || one.precision_high === null
    ? words.unjudged
    : words.precision(percent(one.precision, 0), percent(one.precision_low, 0), percent(one.precision_high, 0), one.confirmed + one.rejected);

const columns: TableColumns<Rule> = [
  { header: said.policy, accessorKey: 'policy' },
  { header: said.rule, accessorKey: 'rule' },
  { header: said.label, accessorKey: 'label' },
  { header: said.action, id: 'action', cell: ({ row }) => <State tone={TONES[row.original.action] ?? 'plain'}>{row.original.action}</State> },
  { header: said.mode, accessorKey: 'mode' },
  { header: said.requests, id: 'requests', accessorFn: (one) => count(one.requests), meta: { right: true } },
  { header: said.findings, id: 'findings', accessorFn: (one) => count(one.findings), meta: { right: true } },
  { header: said.precision, id: 'precision', accessorFn: rightOf },
];
const idOf = (one: Rule) => [one.policy, one.rule, one.label, one.action, one.mode].join('|');

/** What every policy did, and for each rule the requests it fired in. */
export function Triggers() {
  const [search, change] = useUrl();
  const since = rangeOf(search.since || '24h').since;
  const report = useQuery({ queryKey: ['guardrails', 'report', search.since ?? ''], queryFn: () => answer(api.GET('/api/v1/guardrails/report', { params: { query: { since } } })), meta: { topics: ['requests'] } });
  const chosen = report.data?.rules.find((one) => idOf(one) === search.selected);
  return (
    <Stack>
      <Filters label={words.since}><ChoiceFilter name="since" label={words.since} choices={words.sinces.map(([value = '', label = '']) => ({ value, label }))} /></Filters>
      <Shown of={report}>
        {(found) => found.requests === 0 ? <Panel title={words.empty}><Empty title={words.emptyHint} call={policy} /></Panel> : (
          <>
            <Columns least="11rem">
              <Figure name={words.requests}>{count(found.requests)}</Figure>
              {Object.entries(found.acted).map(([action, requests]) => <Figure key={action} name={words.acted[action] ?? action}>{count(requests)}</Figure>)}
              {Object.entries(found.passed_over).map(([detector, times]) => <Figure key={detector} name={`${words.passed}: ${detector}`} hint={words.passedHint}>{count(times)}</Figure>)}
            </Columns>
            <DataTable label={words.tabs.triggers} columns={columns} rows={found.rules} idOf={idOf} selected={search.selected} onOpen={(one) => change({ selected: idOf(one) }, true)} empty={<Empty title={words.emptyRules} />} />
          </>
        )}
      </Shown>
      <Details opened={chosen !== undefined} title={chosen && `${chosen.policy} · ${chosen.rule} · ${chosen.label}`} onClose={() => change({ selected: undefined, request: undefined })} size={640}>
        {chosen && <OneRule rule={chosen} request={search.request} onRequest={(request) => change({ request })} />}
      </Details>
    </Stack>
  );
}

function OneRule({ rule, request, onRequest }: { rule: Rule; request: string | undefined; onRequest: (id: string) => void }) {
  return (
    <>
      <Facts of={[[said.action, <State key="action" tone={TONES[rule.action] ?? 'plain'}>{rule.action}</State>], [said.mode, rule.mode], [said.requests, count(rule.requests)], [said.findings, count(rule.findings)], [said.precision, rightOf(rule)]]} />
      <Title order={3}>{words.newest}</Title>
      <Group gap="xs">
        {rule.examples.map((id) => <Button key={id} size="compact-sm" ff="monospace" variant={id === request ? 'light' : 'default'} aria-pressed={id === request} onClick={() => onRequest(id)}>{id}</Button>)}
      </Group>
      {request && <Explained id={request} />}
    </>
  );
}

/** What fired in one request, where, and how long it took: never its text. */
export function Explained({ id }: { id: string }) {
  const found = useQuery({ queryKey: ['guardrails', 'request', id], queryFn: () => answer(api.GET('/api/v1/guardrails/requests/{request_id}', { params: { path: { request_id: id } } })) });
  if (found.error instanceof ApiError && found.error.status === 404) return <Text size="sm" c="dimmed">{words.gone}</Text>;
  return (
    <section aria-label={words.explained}>
      <Title order={3} mb="xs">{words.explained}</Title>
      <Shown of={found}>
        {(one) => (
          <Stack gap="xs">
            <Text size="sm">{words.answered(one.http_status, one.error_code)}</Text>
            <Text size="sm" fw={600}>{words.inRequest}</Text>
            <JsonView value={one.guarded} label={words.inRequest} />
            {one.answer === null ? <Text size="sm" c="dimmed">{words.noneInAnswer}</Text> : <JsonView value={one.answer} label={words.inAnswer} />}
          </Stack>
        )}
      </Shown>
    </section>
  );
}
