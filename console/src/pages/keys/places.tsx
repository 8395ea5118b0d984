import { Button, Group, Stack, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import { useMay } from '../../api/session';
import { Columns } from '../../components/Facts';
import { type Fields, FormModal } from '../../components/FormModal';
import { Panel } from '../../components/Page';
import { Shown } from '../../components/states';
import { common } from '../../strings/common';
import { keys as words } from '../../strings/keys';
import { useUrl } from '../../url';
import { type Place, read } from './data';
import classes from './places.module.css';

type Level = 'organisations' | 'teams' | 'features';
const said = words.places;
const NEEDS = {
  organisations: ['control:organisation:create', 'control:organisation:update'],
  teams: ['control:team:create', 'control:team:update'],
  features: ['control:feature:create', 'control:feature:update'],
} as const;

/** Organisations, their teams, and the features of a team, each beside the one it belongs to. */
export function Places() {
  const may = useMay();
  const [search, change] = useUrl();
  const { organisation = '', team = '' } = search;
  return (
    <Columns>
      <Level of="organisations" above="" from={read.organisations} chosen={organisation} onChoose={(id) => change({ organisation: id, team: undefined })} />
      {may('control:team:read') && <Level key={organisation} of="teams" above={organisation} from={read.teams(organisation)} chosen={team} onChoose={(id) => change({ team: id })} />}
      {may('control:feature:read') && <Level key={`${organisation} ${team}`} of="features" above={team} from={read.features(team)} chosen="" />}
    </Columns>
  );
}

interface LevelProps {
  of: Level;
  /** The id of what it belongs to; the whole instance for organisations. */
  above: string;
  from: (cursor: string | null) => Promise<{ data: Place[]; next_cursor: string | null }>;
  chosen: string;
  onChoose?: (id: string) => void;
}

function Level(props: LevelProps) {
  const may = useMay();
  const { of, above } = props;
  const [adding, setAdding] = useState(false);
  const renew = useRenew();
  const known = of === 'organisations' || above !== '';
  const add = async (fields: Fields) => {
    await make(of, above, { name: fields.name ?? '', title: fields.title ?? '' });
    await renew(['places']);
  };
  return (
    <Panel title={said[of]} actions={known && may(NEEDS[of][0]) && <Button size="compact-sm" variant="default" onClick={() => setAdding(true)}>{said.add[of]}</Button>}>
      {known ? <List {...props} /> : <Text size="sm" c="dimmed">{said.pick[of as 'teams']}</Text>}
      <FormModal opened={adding} onClose={() => setAdding(false)} title={said.add[of]} action={said.create} onSubmit={add}>
        <TextInput name="name" label={said.name} description={said.nameHint} required data-autofocus />
        <TextInput name="title" label={said.titleOf} />
      </FormModal>
    </Panel>
  );
}

function List({ of, above, from, chosen, onChoose }: LevelProps) {
  const may = useMay();
  const renew = useRenew();
  const [renaming, setRenaming] = useState<Place | null>(null);
  const list = usePages(['places', of, above], [], from);
  const rename = async ({ title = '' }: Fields) => {
    if (renaming) await retitle(of, renaming.id, title);
    await renew(['places']);
  };
  return (
    <Shown of={list}>
      {(rows) => (
        <Stack gap={2}>
          {rows.length === 0 && <Text size="sm" c="dimmed">{said.none}</Text>}
          {rows.map((one) => (
            <Group key={one.id} wrap="nowrap" gap={4} className={classes.row} data-chosen={one.id === chosen || undefined}>
              {onChoose ? (
                <UnstyledButton className={classes.name} aria-pressed={one.id === chosen} onClick={() => onChoose(one.id)}><Name of={one} /></UnstyledButton>
              ) : (
                <div className={classes.name}><Name of={one} /></div>
              )}
              {may(NEEDS[of][1]) && <Button size="compact-xs" variant="subtle" aria-label={`${said.rename}: ${one.name}`} onClick={() => setRenaming(one)}>{said.rename}</Button>}
            </Group>
          ))}
          {list.more.has && <Button size="compact-xs" variant="default" loading={list.more.busy} onClick={list.more.load}>{common.more}</Button>}
          <FormModal opened={renaming !== null} onClose={() => setRenaming(null)} title={`${said.rename}: ${renaming?.name ?? ''}`} action={words.form.save} onSubmit={rename}>
            <TextInput name="title" label={said.titleOf} defaultValue={renaming?.title ?? ''} required data-autofocus />
          </FormModal>
        </Stack>
      )}
    </Shown>
  );
}

const Name = ({ of }: { of: Place }) => (
  <>
    <Text size="sm" span fw={500}>{of.name}</Text>
    {of.title && of.title !== of.name && <Text size="sm" span c="dimmed"> {of.title}</Text>}
  </>
);

function make(of: Level, above: string, body: { name: string; title: string }): Promise<Place> {
  const header = once();
  if (of === 'organisations') return answer(api.POST('/api/v1/organisations', { params: { header }, body }));
  if (of === 'teams') return answer(api.POST('/api/v1/organisations/{organisation_id}/teams', { params: { path: { organisation_id: above }, header }, body }));
  return answer(api.POST('/api/v1/teams/{team_id}/features', { params: { path: { team_id: above }, header }, body }));
}

/** Change a title; the version it is made to is read first, so that nobody else's is overwritten unseen. */
async function retitle(of: Level, id: string, title: string): Promise<Place> {
  const body = { title };
  const header = async (call: Promise<{ response: Response }>) => ({ 'If-Match': (await call).response.headers.get('etag') ?? '' });
  if (of === 'organisations') {
    const path = { organisation_id: id };
    return answer(api.PATCH('/api/v1/organisations/{organisation_id}', { params: { path, header: await header(api.GET('/api/v1/organisations/{organisation_id}', { params: { path } })) }, body }));
  }
  if (of === 'teams') {
    const path = { team_id: id };
    return answer(api.PATCH('/api/v1/teams/{team_id}', { params: { path, header: await header(api.GET('/api/v1/teams/{team_id}', { params: { path } })) }, body }));
  }
  const path = { feature_id: id };
  return answer(api.PATCH('/api/v1/features/{feature_id}', { params: { path, header: await header(api.GET('/api/v1/features/{feature_id}', { params: { path } })) }, body }));
}
