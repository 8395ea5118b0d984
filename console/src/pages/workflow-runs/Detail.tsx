import { Alert, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Suspense, lazy, useMemo } from 'react';
import { answer, api } from '../../api/client';
import { useFollowedRun } from '../../api/follow';
import { useNames } from '../../api/names';
import { JsonView } from '../../components/Inert';
import { Money } from '../../components/Money';
import { Figure, Page, Panel } from '../../components/Page';
import { Loading, Shown } from '../../components/states';
import type { Definition } from '../../flow/definition';
import { count, moment } from '../../format';
import { runs as words } from '../../strings/workflow-runs';
import { useUrl } from '../../url';
import { Acts } from './Acts';
import { Gantt } from './Gantt';
import classes from './Gantt.module.css';
import { ENDED, type RunDetail, Status, type Step, took } from './parts';
import { toldOf } from './told';

const Canvas = lazy(() => import('../../flow/Canvas'));

/** One run: its graph with what came of each node, its steps in time, its cost. */
export function Detail({ id }: { id: string }) {
  const path = { path: { run_id: id } };
  const run = useQuery({
    queryKey: ['workflow-run', id],
    queryFn: () => answer(api.GET('/api/v1/workflow-runs/{run_id}', { params: path })) as Promise<RunDetail>,
    meta: { topics: ['runs', 'spend'] },
  });
  const definition = useQuery({
    queryKey: ['workflow-run-definition', id],
    queryFn: () => answer(api.GET('/api/v1/workflow-runs/{run_id}/definition', { params: path })),
    staleTime: Number.POSITIVE_INFINITY,
  });
  useFollowedRun(id, run.data !== undefined && !ENDED.has(run.data.run.status));
  const name = run.data ? run.data.run.workflow || words.unnamed : id;
  return (
    <Page title={run.data ? words.detail.title(name) : words.title} actions={run.data && <Acts detail={run.data} nodes={nodesOf(definition.data?.definition)} />}>
      <Shown of={run} loading={<Loading lines={10} />}>
        {(detail) => <Whole detail={detail} definition={definition.data?.definition as Definition | undefined} />}
      </Shown>
      {definition.error && <Text size="sm" c="var(--legato-bad)" role="alert">{String((definition.error as Error).message)}</Text>}
    </Page>
  );
}

const nodesOf = (definition: unknown) => (definition as Definition | undefined)?.nodes.map((node) => node.id) ?? [];

function Whole({ detail, definition }: { detail: RunDetail; definition: Definition | undefined }) {
  const { run, cost } = detail;
  const [search, change] = useUrl();
  const node = search.node;
  const told = useMemo(() => toldOf(detail), [detail]);
  const step = detail.steps.find((one) => one.node === node && one.name === '');
  const select = (id: string | undefined) => change({ node: id });
  return (
    <Stack gap="md">
      <div className={classes.figures}>
        <Figure name={words.columns.status} hint={`${words.begun} ${moment(run.created_at)}`}><Status of={run.status} /></Figure>
        <Figure name={words.detail.took} hint={words.detail.stepsTold(run.steps)}>{took(run.created_at, run.ended_at)}</Figure>
        <Figure name={words.detail.cost} hint={<Money usd={cost.total_usd} />}><Money usd={cost.total_usd} rounded /></Figure>
        <Figure name={words.detail.calls} hint={`${count(cost.tokens)} ${words.detail.tokens.toLowerCase()}`}>{count(cost.calls)}</Figure>
        <Figure name={words.detail.accepted} hint={run.accepted === false ? words.detail.notAccepted : undefined}>{cost.accepted_usd ? <Money usd={cost.accepted_usd} rounded /> : '—'}</Figure>
      </div>
      {run.status === 'failed' && (
        <Alert color="red" variant="outline" title={words.detail.failure}>
          <Text size="sm">{run.failed_node}: {run.told}</Text>
          <Text size="sm" className="inert">{run.message}</Text>
        </Alert>
      )}
      <div className={classes.grid}>
        <Panel title={words.detail.graph}>
          {definition ? (
            <Suspense fallback={<Loading lines={8} />}>
              <Canvas graph={definition} told={told} selected={node ? [node] : []} onSelect={(ids) => select(ids.at(-1))} height={440} />
            </Suspense>
          ) : <Loading lines={8} />}
        </Panel>
        <Panel title={step ? `${words.detail.step} ${step.node}` : words.detail.step}>
          {step ? <OneStep step={step} cost={cost.by_node[step.node]} /> : <Text size="sm" c="dimmed">{words.detail.choose}</Text>}
        </Panel>
      </div>
      <Panel title={words.detail.time}>
        <Gantt steps={detail.steps} begun={run.created_at} ended={run.ended_at} costs={cost.by_node} selected={node} onSelect={select} />
        <Text size="sm" c="dimmed" mt={6}>{words.detail.timeLabel}</Text>
      </Panel>
      {detail.waits.length > 0 && (
        <Panel title={words.detail.waits}>
          <Stack gap={4}>{detail.waits.map((one) => <Text key={`${one.node} ${one.topic}`} size="sm">{one.node}: {one.event || one.topic}{one.due_at ? `, ${words.detail.due} ${moment(one.due_at)}` : ''}</Text>)}</Stack>
        </Panel>
      )}
      <div className={classes.grid} style={{ gridTemplateColumns: 'repeat(auto-fit, minmax(320px, 1fr))' }}>
        <Panel title={words.input}><JsonView value={run.input} label={words.input} /></Panel>
        <Panel title={words.output}><JsonView value={run.output} label={words.output} /></Panel>
        <Panel title={words.columns.origin}><Origin detail={detail} /></Panel>
      </div>
    </Stack>
  );
}

function Origin({ detail }: { detail: RunDetail }) {
  const { run } = detail;
  const names = useNames();
  const facts: [string, string, string?][] = [
    [words.columns.id, run.id],
    [words.columns.origin, run.origin],
    [words.columns.author, names(run.author)],
    ...(run.origin_run ? ([[words.detail.from, run.origin_run, `/workflow-runs/${run.origin_run}`]] as [string, string, string][]) : []),
    ...(run.parent ? ([[words.detail.parent, `${run.parent} ${run.parent_node}`, `/workflow-runs/${run.parent}`]] as [string, string, string][]) : []),
    ...Object.entries(detail.children).map(([status, number]): [string, string] => [`${words.detail.children}: ${words.status[status] ?? status}`, count(number)]),
  ];
  return (
    <Stack gap="sm">
      <dl className={classes.facts}>
        {facts.map(([name, value, to]) => [<dt key={name}>{name}</dt>, <dd key={`${name} is`}>{to ? <Link to={to}>{value}</Link> : value}</dd>])}
      </dl>
      {run.workflow !== '' && <Link to={`/workflows/${run.workflow}`}>{words.detail.definition}</Link>}
    </Stack>
  );
}

function OneStep({ step, cost }: { step: Step; cost: string | undefined }) {
  const lineage = Object.keys(step.lineage).length > 0;
  return (
    <Stack gap="sm">
      <dl className={classes.facts}>
        <dt>{words.detail.state}</dt><dd><Status of={step.state} words={words.states} /></dd>
        {step.port && <><dt>{words.detail.port}</dt><dd>{step.port}</dd></>}
        <dt>{words.detail.took}</dt><dd className="figures">{took(step.started_at, step.ended_at)}</dd>
        {cost !== undefined && <><dt>{words.detail.cost}</dt><dd><Money usd={cost} /></dd></>}
        {step.attempts > 1 && <><dt>{words.detail.attempts}</dt><dd>{step.attempts}</dd></>}
        {step.confidence !== null && step.confidence !== undefined && <><dt>{words.detail.confidence}</dt><dd>{count(step.confidence)}</dd></>}
        {step.error && <><dt>{words.detail.error}</dt><dd className="inert">{step.error.code}: {step.error.message}</dd></>}
      </dl>
      <Text size="sm" fw={600}>{words.output}</Text>
      <JsonView value={step.output} label={`${words.output} ${step.node}`} height={220} />
      {step.tried.length > 0 && <><Text size="sm" fw={600}>{words.detail.tried}</Text>{step.tried.map((one) => <Text key={one.at} size="sm" className="inert">{moment(one.at)} {one.code}: {one.message}</Text>)}</>}
      <Text size="sm" fw={600}>{words.detail.lineage}</Text>
      <Text size="xs" c="dimmed">{lineage ? words.detail.lineageHint : words.detail.noLineage}</Text>
      {lineage && <JsonView value={step.lineage} label={`${words.detail.lineage} ${step.node}`} height={200} />}
    </Stack>
  );
}
