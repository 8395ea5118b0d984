import { Button, Group, Stack, Text, Textarea } from '@mantine/core';
import { type FormEvent, useEffect, useState } from 'react';
import { Inert } from '../../components/Inert';
import { Panel } from '../../components/Page';
import { Failure, Shown } from '../../components/states';
import { p as words } from '../../strings/p';
import { Asked, Steps, Told } from './RunView';
import { type OpenPage, type PageRun, hasEnded, textOf, useBegin, useRun } from './run';

interface Message {
  role: 'user' | 'assistant';
  content: string;
}

/** A conversation: each message begins a run with all that was said so far. */
export function ChatPage({ page }: { page: OpenPage }) {
  const [said, setSaid] = useState<Message[]>([]);
  const [text, setText] = useState('');
  const [run, setRun] = useState<string | null>(null);
  const [over, setOver] = useState(false);
  const begin = useBegin(page);
  const send = async (event: FormEvent) => {
    event.preventDefault();
    const messages: Message[] = [...said, { role: 'user', content: text }];
    const begun = await begin.mutateAsync({ messages }).catch(() => null);
    if (!begun) return; // said below the field, and the text stays in it
    setSaid(messages);
    setText('');
    setOver(false);
    setRun(begun.id);
  };
  const ended = (found: PageRun) => {
    setOver(true);
    if (found.status !== 'done') return;
    setSaid((had) => [...had, { role: 'assistant', content: textOf(found.output) }]);
    setRun(null);
  };
  const anew = () => {
    setSaid([]);
    setRun(null);
    setOver(false);
  };
  const waits = run !== null && !over;
  return (
    <Panel title={words.conversation} actions={said.length > 0 && <Button size="compact-sm" variant="default" onClick={anew}>{words.newChat}</Button>}>
      <Stack gap="md">
        <Stack component="ol" gap="sm" m={0} p={0} style={{ listStyle: 'none' }} aria-live="polite" aria-label={words.conversation}>
          {said.length === 0 && <Text component="li" size="sm" c="dimmed">{words.begin}</Text>}
          {said.map((one, index) => (
            <li key={index}>
              <Text size="sm" fw={600}>{one.role === 'user' ? words.you : words.answer}</Text>
              <Inert text={one.content} label={`${one.role === 'user' ? words.you : words.answer} ${index + 1}`} height={600} />
            </li>
          ))}
        </Stack>
        {run !== null && <Turn key={run} page={page} id={run} onEnd={ended} />}
        <form onSubmit={(event) => void send(event)}>
          <Stack gap="sm">
            <Textarea label={words.message} value={text} onChange={(event) => setText(event.currentTarget.value)} autosize minRows={2} maxRows={10} />
            {begin.error && <Failure problem={begin.error} />}
            <Group><Button type="submit" loading={begin.isPending || waits} disabled={text.trim() === ''}>{words.send}</Button></Group>
          </Stack>
        </form>
      </Stack>
    </Panel>
  );
}

/** What becomes of the last message. */
function Turn({ page, id, onEnd }: { page: OpenPage; id: string; onEnd: (run: PageRun) => void }) {
  const run = useRun(page, id);
  const { data } = run;
  useEffect(() => {
    if (data && hasEnded(data)) onEnd(data);
  }, [data?.status]);
  return <Shown of={run}>{(found) => <><Steps run={found} /><Asked page={page} run={found} /><Told run={found} /></>}</Shown>;
}
