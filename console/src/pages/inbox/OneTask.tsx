import { Button, Group, Stack, Text, TextInput, Textarea } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { useNames } from '../../api/names';
import type { components } from '../../api/schema';
import { Inert, JsonView } from '../../components/Inert';
import { Panel } from '../../components/Page';
import { type Question, QuestionData, type Ruling, Rulings, firstAnswer } from '../../components/Question';
import { Failure, Shown } from '../../components/states';
import { ago, moment } from '../../format';
import { inbox as words } from '../../strings/inbox';
import { Due } from './Due';
import classes from './Inbox.module.css';

type Task = components['schemas']['ShownTask'];

export function OneTask({ id, search }: { id: string; search: object }) {
  const task = useQuery({ queryKey: ['task', id], queryFn: () => answer(api.GET('/api/v1/tasks/{task_id}', { params: { path: { task_id: id } } })), meta: { topics: ['tasks'] } });
  return (
    <Stack gap="sm">
      <Link to="/inbox" search={search as never}>{words.back}</Link>
      <Shown of={task}>{(found) => <Asked task={found} />}</Shown>
    </Stack>
  );
}

function Asked({ task }: { task: Task }) {
  const { head } = task;
  const names = useNames();
  const question = typeof task.question === 'object' ? (task.question as Question | null) : null;
  const masked = task.question !== null && question === null;
  return (
    <Panel title={head.subject ?? words.erased}>
      <Stack gap="md">
        <div className={classes.row}>
          <span>{words.asked(head.workflow, ago(head.created_at))}</span>
          <Link to={`/workflow-runs/${head.run_id}`}>{words.run}</Link>
          <Due task={head} />
        </div>
        <Text size="sm" c="dimmed">{words.whom}: {names(task.assigned_to.join(', ')) || words.anyone}. {words.needed(head.approvals_needed)}</Text>
        {masked && <Text size="sm">{words.masked}</Text>}
        {question?.body && <div><Text size="sm" fw={600}>{words.body}</Text><Inert text={question.body} label={words.body} /></div>}
        {question && task.may_decide ? <Decide task={task} question={question} /> : question && question.data !== null && <div><Text size="sm" fw={600}>{words.data}</Text><JsonView value={question.data} label={words.data} /></div>}
        {!task.may_decide && <Text size="sm" c="dimmed">{head.state === 'open' ? words.mayNot : words.ended(head.port ?? '', head.ended_at ? moment(head.ended_at) : '')}</Text>}
        <History task={task} />
      </Stack>
    </Panel>
  );
}

function Decide({ task, question }: { task: Task; question: Question }) {
  const client = useQueryClient();
  const [data, setData] = useState<unknown>(firstAnswer(question));
  const [comment, setComment] = useState('');
  const [to, setTo] = useState<string | null>(null);
  const path = { params: { path: { task_id: task.head.id } } };
  const done = () => {
    setComment('');
    setTo(null);
    return client.invalidateQueries({ predicate: (one) => ['tasks', 'task', 'workflow-run'].includes(String(one.queryKey[0])) });
  };
  const decide = useMutation({ mutationFn: (ruling: Ruling) => answer(api.POST('/api/v1/tasks/{task_id}/decide', { ...path, body: { port: '', ...ruling, comment } as never })), onSuccess: done });
  const delegate = useMutation({ mutationFn: () => answer(api.POST('/api/v1/tasks/{task_id}/delegate', { ...path, body: { to: to ?? '', comment } })), onSuccess: done });
  const say = useMutation({ mutationFn: () => answer(api.POST('/api/v1/tasks/{task_id}/comment', { ...path, body: { comment } })), onSuccess: done });
  const problem = decide.error ?? delegate.error ?? say.error;
  return (
    <Stack gap="md">
      <QuestionData of={question} value={data} onChange={setData} />
      <Textarea label={words.comment} value={comment} onChange={(event) => setComment(event.currentTarget.value)} autosize minRows={2} />
      {problem && <Failure problem={problem} />}
      <Group gap="xs">
        <Rulings of={question} value={data} busy={decide.isPending} onRule={decide.mutate} />
        <Button variant="default" disabled={comment === ''} loading={say.isPending} onClick={() => say.mutate()}>{words.say}</Button>
        {to === null && <Button variant="default" onClick={() => setTo('')}>{words.delegate}</Button>}
      </Group>
      {to !== null && (
        <Group align="flex-end" gap="xs">
          <TextInput label={words.delegateTo} description={words.delegateHint} value={to} onChange={(event) => setTo(event.currentTarget.value)} autoComplete="off" flex={1} miw={200} />
          <Button variant="default" disabled={to === ''} loading={delegate.isPending} onClick={() => delegate.mutate()}>{words.delegate}</Button>
        </Group>
      )}
    </Stack>
  );
}

function History({ task }: { task: Task }) {
  const names = useNames();
  const rows = [
    ...task.opinions.map((one) => ({ at: one.at, who: one.person, what: words.verdict[one.verdict] ?? one.verdict, whom: one.verdict === 'choose' ? one.port : '', comment: one.comment })),
    ...task.events.map((one) => ({ at: one.at, who: one.person, what: words.events[one.what] ?? one.what, whom: one.whom, comment: one.comment })),
  ].sort((a, b) => (a.at < b.at ? -1 : 1));
  if (rows.length === 0) return null;
  return (
    <div>
      <Text size="sm" fw={600}>{words.said}</Text>
      <Stack gap={4}>{rows.map((one) => <Text key={`${one.at}${one.who}${one.what}`} size="sm"><Text span inherit c="dimmed">{moment(one.at)}</Text> {names(one.who)} {one.what} {names(one.whom)}{one.comment ? <span className="inert">: {one.comment}</span> : ''}</Text>)}</Stack>
    </div>
  );
}
