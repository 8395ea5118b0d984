import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { answer, api } from '../../api/client';
import { Inert } from '../../components/Inert';
import { Panel } from '../../components/Page';
import { Shown } from '../../components/states';
import { notifications } from '../../strings/notifications';
import { useUrl } from '../../url';

const words = notifications.digest;

/** The week of a team, as it is told. */
export function Digest() {
  const [search, change] = useUrl();
  const { team = '', org = 'default' } = search;
  const found = useQuery({
    queryKey: ['digest', org, team],
    queryFn: () => answer(api.GET('/api/v1/digests', { params: { query: { team, org } } })),
    enabled: team !== '',
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    change({ team: String(fields.get('team')).trim(), org: String(fields.get('org')).trim() });
  };
  return (
    <Stack>
      <Text size="sm" c="dimmed">{words.choose}</Text>
      <form onSubmit={submit}>
        <Group align="flex-end">
          <TextInput name="org" label={words.org} required defaultValue={org} />
          <TextInput name="team" label={words.team} required defaultValue={team} />
          <Button type="submit" variant="default">{words.show}</Button>
        </Group>
      </form>
      {team !== '' && (
        <Shown of={found}>
          {(week) => (
            <Panel title={week.title}>
              <Text size="sm" c="dimmed" mb="sm">{words.by}: {week.channels.join(', ') || words.none}</Text>
              <Inert text={week.text} label={words.text} height={480} />
            </Panel>
          )}
        </Shown>
      )}
    </Stack>
  );
}
