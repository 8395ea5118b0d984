import { Group, Text, TextInput } from '@mantine/core';
import type { components } from '../../api/schema';
import type { Fields } from '../../components/FormModal';
import { published as words } from '../../strings/published';
import { namesIn } from '../keys/data';

type Said = components['schemas']['Audience'];
const form = words.form;

/** For whom a page is: fields of a form, and what they hold. */
export function Audience({ of = {} }: { of?: Said }) {
  return (
    <>
      <Group grow align="flex-end">
        {(['roles', 'teams', 'accounts'] as const).map((kind) => <TextInput key={kind} name={kind} label={form[kind]} defaultValue={(of[kind] ?? []).join(', ')} />)}
      </Group>
      <Text size="xs" c="dimmed">{form.audienceHint}</Text>
    </>
  );
}

export const audienceOf = (fields: Fields) => ({ roles: namesIn(fields.roles) ?? [], teams: namesIn(fields.teams) ?? [], accounts: namesIn(fields.accounts) ?? [] });
