import { Button, Group, NativeSelect, PasswordInput, Stack, Text, TextInput, Textarea } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { errorOf } from '../../api/errors';
import type { components } from '../../api/schema';
import { Difference } from '../../components/Difference';
import { Inert } from '../../components/Inert';
import { Columns, Panel } from '../../components/Page';
import { Failure } from '../../components/states';
import { duration } from '../../format';
import { exactly } from '../../money';
import { server } from '../../place';
import { prompts } from '../../strings/prompts';
import { type Spec, type Variable, needed, numbersOf, valuesOf } from './prompt';

const words = prompts.try;

interface Said {
  number: number;
  text: string;
  costUsd: string;
  ms: number;
  requestId: string;
}

/** Call a version as applications do, past the cache. Throws ApiError. */
async function call(name: string, number: number, variables: Record<string, unknown>, key: string): Promise<Said> {
  const began = performance.now();
  const response = await fetch(`${server}/v1/chat/completions`, {
    method: 'POST',
    credentials: 'omit',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify({ model: `prompt:${name}@${number}`, messages: [], metadata: { variables } }),
  });
  const said = (await response.json().catch(() => undefined)) as { choices?: { message?: { content?: string | null } }[] } | undefined;
  if (!response.ok) throw errorOf(response.status, said);
  return {
    number,
    text: said?.choices?.[0]?.message?.content ?? '',
    costUsd: response.headers.get('x-legato-cost-usd') ?? '',
    ms: performance.now() - began,
    requestId: response.headers.get('x-legato-request-id') ?? '',
  };
}

/** One version with variables, and another beside it. */
export function Try({ stored, number, spec }: { stored: components['schemas']['Object']; number: number; spec: Spec }) {
  const [key, setKey] = useState('');
  const variables = spec.variables ?? {};
  const run = useMutation({
    mutationFn: (fields: Record<string, string>) => {
      const values = valuesOf(variables, fields);
      const asked = [number, ...(fields[' second'] ? [Number(fields[' second'])] : [])];
      return Promise.all(asked.map((one) => call(stored.name, one, values, key)));
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    run.mutate(Object.fromEntries([...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value)])));
  };
  const others = numbersOf(stored).filter((one) => one.value !== String(number));
  return (
    <Stack>
      <Panel title={prompts.tabs.try}>
        <form onSubmit={submit}>
          <Stack gap="sm">
            <Group align="flex-end">
              <PasswordInput w={280} label={words.key} description={words.keyHint} value={key} onChange={(event) => setKey(event.currentTarget.value.trim())} autoComplete="off" />
              <NativeSelect w={220} name=" second" label={words.second} data={[{ value: '', label: words.nobody }, ...others]} />
            </Group>
            {Object.entries(variables).map(([name, one]) => <Field key={name} name={name} variable={one} />)}
            <Button type="submit" w="fit-content" disabled={key === ''} loading={run.isPending}>{words.run}</Button>
          </Stack>
        </form>
      </Panel>
      {run.error && (run.error instanceof SyntaxError ? <Text size="sm" c="var(--mantine-color-error)" role="alert">{words.badJson(run.error.message)}</Text> : <Failure problem={run.error} />)}
      {run.data && <Answers of={run.data} />}
    </Stack>
  );
}

function Field({ name, variable }: { name: string; variable: Variable }) {
  const text = variable.type === undefined || variable.type === 'string';
  const start = variable.default === undefined ? '' : text ? String(variable.default) : JSON.stringify(variable.default);
  const about = [variable.description, text ? undefined : `${variable.type}, ${words.json}`].filter(Boolean).join(' · ');
  const same = { name, label: name, description: about || undefined, required: needed(variable), defaultValue: start };
  return variable.type === 'list' || variable.type === 'object' ? <Textarea autosize minRows={2} spellCheck={false} {...same} /> : <TextInput {...same} />;
}

function Answers({ of }: { of: Said[] }) {
  const [first, second] = of;
  return (
    <>
      <Columns min={340}>
        {of.map((one) => (
          <Panel key={one.number} title={words.answer(one.number)}>
            <Inert text={one.text} label={words.answer(one.number)} />
            <Text size="sm" c="dimmed" mt="xs">{[one.costUsd && `${words.cost}: ${exactly(one.costUsd)}`, `${words.time}: ${duration(one.ms * 1_000)}`, `${words.request}: ${one.requestId}`].filter(Boolean).join(' · ')}</Text>
          </Panel>
        ))}
      </Columns>
      {first && second && <Panel title={words.differs}><Difference before={second.text} after={first.text} label={words.differs} /></Panel>}
    </>
  );
}
