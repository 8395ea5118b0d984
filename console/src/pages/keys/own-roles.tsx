import { Button, Checkbox, Group, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { useMay, useMe } from '../../api/session';
import { ConfirmDanger } from '../../components/ConfirmDanger';
import { Facts } from '../../components/Facts';
import { FormModal } from '../../components/FormModal';
import { Panel } from '../../components/Page';
import { keys as words } from '../../strings/keys';
import classes from './own-roles.module.css';

type Role = components['schemas']['ShownRole'];
type Permission = components['schemas']['Permission'];
const said = words.access;

/** The built-in roles and an organisation's own, which are made and deleted here. */
export function Roles({ roles }: { roles: Role[] }) {
  const may = useMay();
  const renew = useRenew();
  const [making, setMaking] = useState(false);
  const [deleting, setDeleting] = useState<Role | null>(null);
  return (
    <Panel title={said.roles} actions={may('control:role:create') && <Button size="xs" onClick={() => setMaking(true)}>{said.newRole}</Button>}>
      <Facts
        of={roles.map((one) => [
          one.name,
          <Group key={one.name} justify="space-between" align="flex-start">
            <details>
              <summary>{[one.title, said.permissions(one.permissions.length), one.org ?? said.builtIn].filter(Boolean).join(' · ')}</summary>
              <Text size="sm" c="dimmed" ff="monospace">{one.permissions.join('  ')}</Text>
            </details>
            {one.org !== null && may('control:role:delete') && <Button size="compact-xs" variant="default" aria-label={said.deleteRole(one.name)} onClick={() => setDeleting(one)}>{said.delete}</Button>}
          </Group>,
        ])}
      />
      <NewRole opened={making} onClose={() => setMaking(false)} />
      <ConfirmDanger
        opened={deleting !== null}
        onClose={() => setDeleting(null)}
        title={said.deleteRole(deleting?.name ?? '')}
        blastRadius={[said.deleteBlast]}
        name={deleting?.name ?? ''}
        action={said.delete}
        onConfirm={async () => {
          await answer(api.POST('/api/v1/roles/{role}/delete', { params: { path: { role: deleting?.name ?? '' }, query: { org: deleting?.org ?? null }, header: once() } }));
          await renew(['roles']);
        }}
      />
    </Panel>
  );
}

/** Nobody gives what they may not do themselves, so only that is offered. */
function NewRole({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const mine = useMe().permissions;
  const renew = useRenew();
  const [chosen, setChosen] = useState<string[]>([]);
  const groups = [...new Set(mine.map(scopeOf))].sort();
  const make = async ({ name = '', title = '', org = '' }: Record<string, string>) => {
    await answer(api.POST('/api/v1/roles', { params: { header: once() }, body: { name, title, org, permissions: chosen as Permission[] } }));
    setChosen([]);
    await renew(['roles']);
  };
  return (
    <FormModal opened={opened} onClose={onClose} title={said.newRole} about={said.newRoleAbout} action={said.create} onSubmit={make} ready={chosen.length > 0} size="xl">
      <Group grow align="flex-start"><TextInput name="name" label={said.name} required data-autofocus /><TextInput name="title" label={said.title} /><TextInput name="org" label={said.org} required defaultValue="default" /></Group>
      <Checkbox.Group label={said.chosen(chosen.length)} value={chosen} onChange={setChosen}>
        <div className={classes.permissions}>
          {groups.map((scope) => (
            <fieldset key={scope} className={classes.scope}>
              <legend>{scope}</legend>
              {mine.filter((one) => scopeOf(one) === scope).map((one) => <Checkbox key={one} size="xs" value={one} label={one.slice(scope.length + 1)} />)}
            </fieldset>
          ))}
        </div>
      </Checkbox.Group>
    </FormModal>
  );
}

const scopeOf = (permission: string) => permission.slice(0, permission.indexOf(':'));
