import { Button, Group, Stack } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { Panel } from '../../components/Page';
import { type Schema, SchemaForm } from '../../components/SchemaForm';
import { Failure } from '../../components/states';
import { p as words } from '../../strings/p';
import { RunView } from './RunView';
import { type OpenPage, problemsOf, useBegin } from './run';

/** A form made of what the workflow takes, then what becomes of what was filled in. */
export function FormPage({ page }: { page: OpenPage }) {
  const [value, setValue] = useState<Record<string, unknown>>({});
  const begin = useBegin(page);
  const problems = problemsOf(begin.error);
  const send = (event: FormEvent) => {
    event.preventDefault();
    begin.mutate(value);
  };
  if (begin.data) {
    return (
      <Stack gap="md">
        <RunView page={page} id={begin.data.id} />
        <Button variant="default" w="fit-content" onClick={() => begin.reset()}>{words.again}</Button>
      </Stack>
    );
  }
  return (
    <Panel title={page.title}>
      <form onSubmit={send} noValidate>
        <Stack gap="md">
          <SchemaForm schema={(page.input_schema ?? {}) as Schema} value={value} onChange={setValue} problems={problems} />
          {begin.error && problems.size === 0 && <Failure problem={begin.error} />}
          <Group><Button type="submit" loading={begin.isPending}>{words.send}</Button></Group>
        </Stack>
      </form>
    </Panel>
  );
}
