import { Button, Group, Text, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { answer, api } from '../../api/client';
import { State } from '../../components/Facts';
import { Panel } from '../../components/Page';
import { Failure } from '../../components/states';
import { keys as words } from '../../strings/keys';

const said = words.access;

/** Whether somebody may do something, and what decides that. */
export function Can() {
  const ask = useMutation({ mutationFn: (query: { subject: string; action: string }) => answer(api.GET('/api/v1/can', { params: { query } })) });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    ask.mutate({ subject: String(fields.get('subject')).trim(), action: String(fields.get('action')).trim() });
  };
  return (
    <Panel title={said.can}>
      <form onSubmit={submit}>
        <Group align="flex-end">
          <TextInput name="subject" label={said.whom} placeholder="key:… / account:…" required w={320} spellCheck={false} />
          <TextInput name="action" label={said.action} placeholder="control:key:create / call:chat" required w={320} spellCheck={false} />
          <Button type="submit" variant="default" loading={ask.isPending}>{said.ask}</Button>
        </Group>
      </form>
      <div role="status">
        {ask.data && <Group mt="sm" gap="xs"><State tone={ask.data.allowed ? 'good' : 'bad'}>{ask.data.allowed ? said.yes : said.no}</State><Text size="sm">{ask.data.reason}</Text></Group>}
      </div>
      {ask.error && <Failure problem={ask.error} />}
    </Panel>
  );
}
