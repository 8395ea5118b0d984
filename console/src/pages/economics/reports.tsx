import { Button, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { addressOf, answer, api } from '../../api/client';
import { credentials } from '../../api/credentials';
import { errorOf } from '../../api/errors';
import { Panel } from '../../components/Page';
import { Failure, Shown } from '../../components/states';
import { economics as words } from '../../strings/economics';

interface Wanted {
  kind: string;
  form: string;
  period: string;
}

/** Make a report and hand it to the browser as a file; returns what the audit log has of it. */
async function download({ kind, form, period }: Wanted): Promise<{ digest: string; event: string }> {
  const query = new URLSearchParams({ form, ...(period && { period }) });
  const response = await fetch(addressOf(`/api/v1/reports/${encodeURIComponent(kind)}?${query}`), {
    credentials: 'same-origin',
    headers: new Headers([...credentials.headers('GET')]),
  });
  if (!response.ok) throw errorOf(response.status, await response.json().catch(() => undefined));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await response.blob());
  link.download = `${kind}.${form}`;
  link.click();
  URL.revokeObjectURL(link.href);
  return { digest: response.headers.get('x-legato-digest') ?? '', event: response.headers.get('x-legato-audit-event') ?? '' };
}

export function Reports() {
  const known = useQuery({ queryKey: ['reports'], queryFn: async () => (await answer(api.GET('/api/v1/reports', {}))).data });
  const [kind, setKind] = useState('roi');
  const made = useMutation({ mutationFn: download });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    made.mutate({ kind, form: String(form.get('form')), period: String(form.get('period')).trim() });
  };
  return (
    <Panel title={words.tabs.reports}>
      <Shown of={known}>
        {(reports) => (
          <form onSubmit={submit}>
            <Stack gap="sm">
              <Group align="flex-end" gap="sm">
                <Select label={words.report} data={reports.map((one) => ({ value: one.id, label: one.title }))} value={kind} onChange={(value) => setKind(value ?? kind)} allowDeselect={false} w={300} />
                <Select name="form" label={words.form} data={reports.find((one) => one.id === kind)?.forms ?? []} defaultValue="pdf" allowDeselect={false} w={120} />
                <TextInput name="period" label={words.period} placeholder="30d" w={160} />
                <Button type="submit" loading={made.isPending}>{words.make}</Button>
              </Group>
              <Text size="sm" c="dimmed">{words.periodHint}</Text>
              {made.error && <Failure problem={made.error} />}
              <Text size="sm" role="status" style={{ overflowWrap: 'anywhere' }}>{made.data ? words.made(made.data.digest, made.data.event) : ''}</Text>
            </Stack>
          </form>
        )}
      </Shown>
    </Panel>
  );
}
