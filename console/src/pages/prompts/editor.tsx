import { Button, Group, NativeSelect, Stack, Text, TextInput, Textarea } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { Failure } from '../../components/states';
import { prompts } from '../../strings/prompts';
import { type Spec, messagesOf, restOf, specOf } from './prompt';

const words = prompts.edit;
const ROLES = ['system', 'user', 'assistant'];
const EXAMPLE = { variables: {} };

/** Writes a version; nothing that is there changes. Without a name a new prompt's first. */
export function Editor({ name, spec, onSaved }: { name: string | null; spec: Spec; onSaved: (name: string, number: number) => void }) {
  const renew = useRenew();
  const [messages, setMessages] = useState(() => messagesOf(spec));
  const [rest, setRest] = useState(() => JSON.stringify({ ...EXAMPLE, ...restOf(spec) }, null, 2));
  const [wrong, setWrong] = useState(false);
  const save = useMutation({
    mutationFn: async (fields: Record<string, string>) => {
      const written = specOf(messages ?? [], fields.route ?? '', rest);
      setWrong(written === null);
      if (written === null) return null;
      const labels = (fields.labels ?? '').split(',').map((one) => one.trim()).filter(Boolean);
      const body = { spec: written, labels, reason: fields.reason ?? '', ...(fields.owner ? { owner: fields.owner } : {}) };
      const path = { kind: 'prompt', name: name ?? fields.name ?? '' };
      const kept = await answer(api.POST('/api/v1/registry/objects/{kind}/{name}/versions', { params: { path, header: once() }, body: body as never }));
      await renew(['registry']);
      return { name: path.name, number: kept.version.number };
    },
    onSuccess: (kept) => kept && onSaved(kept.name, kept.number),
  });
  if (messages === null) return <Text size="sm">{words.parts}</Text>;
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    save.mutate(Object.fromEntries([...new FormData(event.currentTarget)].map(([field, value]) => [field, String(value).trim()])));
  };
  const change = (index: number, part: Partial<{ role: string; content: string }>) => setMessages(messages.map((one, at) => (at === index ? { ...one, ...part } : one)));
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Group grow>
          {name === null && <TextInput name="name" label={words.name} required data-autofocus spellCheck={false} />}
          <TextInput name="route" label={words.route} required defaultValue={spec.route ?? ''} spellCheck={false} />
          {name === null && <TextInput name="owner" label={words.owner} />}
        </Group>
        {messages.map((one, index) => (
          <Group key={index} align="flex-start" wrap="nowrap">
            <NativeSelect aria-label={words.role(index + 1)} w={120} data={ROLES} value={one.role} onChange={(event) => change(index, { role: event.currentTarget.value })} />
            <Textarea aria-label={words.message(index + 1)} flex={1} autosize minRows={2} maxRows={16} value={one.content} onChange={(event) => change(index, { content: event.currentTarget.value })} />
            <Button variant="default" aria-label={words.remove(index + 1)} disabled={messages.length === 1} onClick={() => setMessages(messages.filter((_, at) => at !== index))}>×</Button>
          </Group>
        ))}
        <Button variant="default" size="xs" w="fit-content" onClick={() => setMessages([...messages, { role: 'user', content: '' }])}>{words.add}</Button>
        <Textarea label={words.rest} description={words.restHint} autosize minRows={3} maxRows={18} value={rest} onChange={(event) => setRest(event.currentTarget.value)} error={wrong && words.badJson} spellCheck={false} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} />
        <Group grow align="flex-end">
          <TextInput name="reason" label={words.reason} />
          <TextInput name="labels" label={words.labels} description={words.labelsHint} spellCheck={false} />
        </Group>
        {save.error && <Failure problem={save.error} />}
        <Button type="submit" w="fit-content" loading={save.isPending}>{words.save}</Button>
      </Stack>
    </form>
  );
}
