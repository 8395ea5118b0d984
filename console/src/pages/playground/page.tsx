import { Button, Checkbox, Group, Modal, MultiSelect, NumberInput, PasswordInput, SimpleGrid, Stack, Text, TextInput, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useRef, useState } from 'react';
import { keyedModels } from '../../api/models-of-a-key';
import { useMay } from '../../api/session';
import { Columns, Page, Panel } from '../../components/Page';
import { Failure, Snippet } from '../../components/states';
import { playground as words } from '../../strings/playground';
import { Editor } from '../prompts/editor';
import { AnswerOf } from './answer';
import { type Answer, type Asked, NOTHING, ask, bodyOf, curlOf, promptOf, variablesOf } from './asking';

const MODELS_MAX = 4;
const START: Asked = {
  models: [], system: '', prompt: '', values: {}, tools: '', schema: '', maxTokens: null, temperature: null, fresh: false,
};

export default function Playground() {
  const [key, setKey] = useState('');
  const [asked, setAsked] = useState(START);
  const models = useQuery(keyedModels(key));
  const [keeping, setKeeping] = useState(false);
  const run = useRun();
  const may = useMay();
  const navigate = useNavigate();
  const change = (part: Partial<Asked>) => setAsked((before) => ({ ...before, ...part }));
  const wrong = wrongField(asked);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void run.start(asked, key);
  };
  const ready = key !== '' && asked.models.length > 0 && asked.prompt.trim() !== '' && wrong === null;
  return (
    <Page title={words.title} about={words.about}>
      <Panel title={words.prompt}>
        <form onSubmit={submit}>
          <Stack gap="sm">
            <SimpleGrid cols={2}>
              <PasswordInput label={words.key} description={words.keyHint} value={key} onChange={(event) => setKey(event.currentTarget.value.trim())} autoComplete="off" />
              <MultiSelect label={words.models} description={words.modelsHint} data={models.data ?? []} value={asked.models} onChange={(value) => change({ models: value })} maxValues={MODELS_MAX} searchable disabled={!models.data} />
            </SimpleGrid>
            {models.error && <Failure problem={models.error} />}
            <Textarea label={words.system} autosize minRows={1} maxRows={8} value={asked.system} onChange={(event) => change({ system: event.currentTarget.value })} />
            <Textarea label={words.prompt} description={words.promptHint} autosize minRows={4} maxRows={18} value={asked.prompt} onChange={(event) => change({ prompt: event.currentTarget.value })} required />
            <Variables asked={asked} change={change} />
            <More asked={asked} change={change} wrong={wrong} />
            <Group>
              <Button type="submit" disabled={!ready} loading={run.busy}>{words.run}</Button>
              {run.busy && <Button variant="default" onClick={run.stop}>{words.stop}</Button>}
              {may('registry:version:create') && <Button variant="default" disabled={asked.prompt.trim() === '' || wrong !== null} onClick={() => setKeeping(true)}>{words.keep}</Button>}
              {key === '' && <Text size="sm" c="dimmed">{words.noKey}</Text>}
            </Group>
          </Stack>
        </form>
      </Panel>
      <Columns min={360}>
        {Object.entries(run.answers).map(([model, answer]) => <AnswerOf key={model} model={model} answer={answer} />)}
      </Columns>
      <Modal opened={keeping} onClose={() => setKeeping(false)} title={words.keep} size="xl">
        {keeping && <Editor name={null} spec={promptOf(asked)} onSaved={(name) => void navigate({ to: `/prompts/${name}` as never })} />}
      </Modal>
      {run.asked && (
        <Panel title={words.copyCall}>
          <Stack gap="xs">{run.asked.models.map((model) => <Snippet key={model} code={curlOf(run.asked as Asked, model)} />)}</Stack>
        </Panel>
      )}
    </Page>
  );
}

interface Part {
  asked: Asked;
  change: (part: Partial<Asked>) => void;
}

function Variables({ asked, change }: Part) {
  const names = variablesOf(asked.system, asked.prompt);
  if (names.length === 0) return null;
  return (
    <Group gap="sm" role="group" aria-label={words.variables}>
      {names.map((name) => (
        <TextInput key={name} label={name} value={asked.values[name] ?? ''} onChange={(event) => change({ values: { ...asked.values, [name]: event.currentTarget.value } })} />
      ))}
    </Group>
  );
}

function More({ asked, change, wrong }: Part & { wrong: string | null }) {
  const number = (value: number | string) => (typeof value === 'number' ? value : null);
  return (
    <details>
      <summary>{words.more}</summary>
      <Stack gap="sm" mt="sm">
        <Group gap="sm">
          <NumberInput label={words.maxTokens} min={1} value={asked.maxTokens ?? ''} onChange={(value) => change({ maxTokens: number(value) })} />
          <NumberInput label={words.temperature} min={0} max={2} step={0.1} value={asked.temperature ?? ''} onChange={(value) => change({ temperature: number(value) })} />
        </Group>
        <Checkbox label={words.fresh} checked={asked.fresh} onChange={(event) => change({ fresh: event.currentTarget.checked })} />
        <Textarea label={words.tools} autosize minRows={2} maxRows={12} value={asked.tools} onChange={(event) => change({ tools: event.currentTarget.value })} error={wrong === 'tools' && words.badJson(words.tools)} />
        <Textarea label={words.schema} autosize minRows={2} maxRows={12} value={asked.schema} onChange={(event) => change({ schema: event.currentTarget.value })} error={wrong === 'schema' && words.badJson(words.schema)} />
      </Stack>
    </details>
  );
}

/** The field whose JSON can't be read, null where all can. */
function wrongField(asked: Asked): string | null {
  try {
    bodyOf(asked, '');
    return null;
  } catch (problem) {
    return (problem as SyntaxError).message;
  }
}

/** One question to all chosen models at once; a new one takes the place of what is under way. */
function useRun() {
  const [answers, setAnswers] = useState<Record<string, Answer>>({});
  const [asked, setAsked] = useState<Asked | null>(null);
  const [busy, setBusy] = useState(false);
  const current = useRef<AbortController | null>(null);
  const start = async (wanted: Asked, key: string) => {
    current.current?.abort();
    const control = new AbortController();
    current.current = control;
    setAsked(wanted);
    setAnswers(Object.fromEntries(wanted.models.map((model) => [model, NOTHING])));
    setBusy(true);
    const tell = (model: string) => (answer: Answer) => {
      if (current.current === control) setAnswers((before) => ({ ...before, [model]: answer }));
    };
    await Promise.all(wanted.models.map((model) => ask(wanted, model, key, control.signal, tell(model))));
    if (current.current === control) setBusy(false);
  };
  return { answers, asked, busy, start, stop: () => current.current?.abort() };
}
