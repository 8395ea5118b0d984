import { Alert, Group, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { type Tone, State } from '../../components/Facts';
import { Inert, JsonView } from '../../components/Inert';
import { Panel } from '../../components/Page';
import { type Question, QuestionData, Rulings, firstAnswer } from '../../components/Question';
import { Failure, Shown } from '../../components/states';
import { p as words } from '../../strings/p';
import { runs } from '../../strings/workflow-runs';
import { type OpenPage, type PageRun, hasEnded, useRule, useRun } from './run';

const TONES: Record<string, Tone> = { done: 'good', failed: 'bad', cancelled: 'bad', waiting: 'warn', retrying: 'warn', paused: 'warn' };
const USED_UP = 'budget_exceeded';

/** A run as whoever began it sees it: how far it is, what it asks them, what it came to. */
export function RunView({ page, id }: { page: OpenPage; id: string }) {
  const run = useRun(page, id);
  return (
    <Shown of={run}>
      {(found) => (
        <Stack gap="md">
          <Panel title={words.progress} actions={<span role="status"><State tone={TONES[found.status] ?? 'plain'}>{words.status[found.status] ?? found.status}</State></span>}>
            <Steps run={found} />
          </Panel>
          <Asked page={page} run={found} />
          <Told run={found} />
          {found.status === 'done' && <Panel title={words.result}><Output value={found.output} /></Panel>}
        </Stack>
      )}
    </Shown>
  );
}

export function Steps({ run }: { run: PageRun }) {
  return (
    <Stack component="ol" gap={4} m={0} p={0} style={{ listStyle: 'none' }} aria-label={words.progress}>
      {run.steps.map((one) => (
        <Group component="li" key={one.node} justify="space-between" gap="xs">
          <Text size="sm">{one.title}</Text>
          {one.state && <State tone={TONES[one.state] ?? 'plain'}>{runs.states[one.state] ?? one.state}</State>}
        </Group>
      ))}
    </Stack>
  );
}

/** What the run asks its user; several questions one below the other. */
export function Asked({ page, run }: { page: OpenPage; run: PageRun }) {
  if (hasEnded(run)) return null;
  return <>{run.tasks.map((one) => <Ask key={one.id} page={page} run={run.id} task={one.id} question={one.question as Question} />)}</>;
}

function Ask({ page, run, task, question }: { page: OpenPage; run: string; task: string; question: Question }) {
  const [value, setValue] = useState<unknown>(firstAnswer(question));
  const rule = useRule(page, run, task);
  return (
    <Panel title={`${words.asked}: ${question.subject}`}>
      <Stack gap="md">
        {question.body && <div><Text size="sm" fw={600}>{words.details}</Text><Inert text={question.body} label={words.details} /></div>}
        <QuestionData of={question} value={value} onChange={setValue} />
        {rule.error && <Failure problem={rule.error} />}
        <Group gap="xs"><Rulings of={question} value={value} busy={rule.isPending} onRule={rule.mutate} /></Group>
      </Stack>
    </Panel>
  );
}

/** Why a run didn't get there. */
export function Told({ run }: { run: PageRun }) {
  if (!hasEnded(run) || run.status === 'done') return null;
  const used = run.told === USED_UP;
  return (
    <Alert color="red" variant="outline" role="alert" title={used ? words.used : words.failed(run.status)}>
      <Text size="sm" className="inert">{run.message || run.told}</Text>
      {used && <Text size="sm" mt={6}>{words.usedHint}</Text>}
    </Alert>
  );
}

function Output({ value }: { value: unknown }) {
  return typeof value === 'string' ? <Inert text={value} label={words.result} height={600} /> : <JsonView value={value} label={words.result} height={600} />;
}
