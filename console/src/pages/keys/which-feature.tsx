import { Button, Group, NativeSelect, Stack } from '@mantine/core';
import { useState } from 'react';
import { usePages } from '../../api/pages';
import { common } from '../../strings/common';
import { keys as words } from '../../strings/keys';
import { type Place, read } from './data';

const form = words.form;

/** Organisation, then team, then feature; each asked for when the one before is chosen. */
export function WhichFeature() {
  const [organisation, setOrganisation] = useState('');
  const [team, setTeam] = useState('');
  return (
    <Group grow align="flex-end">
      <Choice name="organisation" label={form.organisation} of="organisations" from={read.organisations} value={organisation} onChange={(id) => { setOrganisation(id); setTeam(''); }} />
      <Choice key={organisation} name="team" label={form.team} of={organisation} from={read.teams(organisation)} value={team} onChange={setTeam} />
      <Choice key={`${organisation} ${team}`} name="feature_id" label={form.feature} of={team} from={read.features(team)} />
    </Group>
  );
}

interface ChoiceProps {
  name: string;
  label: string;
  /** What it lists the places of; empty asks for none. */
  of: string;
  from: (cursor: string | null) => Promise<{ data: Place[]; next_cursor: string | null }>;
  value?: string;
  onChange?: (id: string) => void;
}

function Choice(props: ChoiceProps) {
  if (!props.of) return <NativeSelect label={props.label} data={[form.choose]} disabled />;
  return <Places {...props} />;
}

function Places({ name, label, of, from, value, onChange }: ChoiceProps) {
  const list = usePages(['places', name, of], [], from);
  const data = (list.data ?? []).map((one) => ({ value: one.id, label: one.name }));
  return (
    <Stack gap={4}>
      <NativeSelect
        name={name}
        label={label}
        required
        data={[{ value: '', label: form.choose }, ...data]}
        {...(value === undefined ? {} : { value })}
        onChange={(event) => onChange?.(event.currentTarget.value)}
      />
      {list.more.has && <Button size="compact-xs" variant="default" loading={list.more.busy} onClick={list.more.load}>{common.more}</Button>}
    </Stack>
  );
}
