import { Button, Group, NativeSelect, Stack, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import { useMay } from '../../api/session';
import type { components } from '../../api/schema';
import { ConfirmDanger } from '../../components/ConfirmDanger';
import { type Columns, DataTable } from '../../components/DataTable';
import { type Fields, FormModal } from '../../components/FormModal';
import { Panel } from '../../components/Page';
import { Empty, Shown } from '../../components/states';
import { ago } from '../../format';
import { server } from '../../place';
import { keys as words } from '../../strings/keys';
import { Can } from './can';
import { placeOf, read } from './data';
import { Roles } from './own-roles';

type Binding = components['schemas']['RoleBinding'];
const said = words.access;
const ROLES = ['roles'] as const;
const call = `curl ${server}/api/v1/role-bindings -H "Authorization: Bearer $LEGATO_ADMIN_KEY" \\\n  -H 'Content-Type: application/json' -d '{"subject_kind": "account", "subject_id": "…", "role": "viewer", "org": "default"}'`;

/** Roles, and who holds which where. */
export function Access() {
  const mayBind = useMay()('control:role:bind');
  const mayNames = useMay()('control:account:read');
  const renew = useRenew();
  const [giving, setGiving] = useState(false);
  const [taking, setTaking] = useState<Binding | null>(null);
  const roles = useQuery({ queryKey: ROLES, queryFn: () => answer(api.GET('/api/v1/roles')) });
  const bindings = usePages([...ROLES, 'bindings'], [], (cursor) => answer(api.GET('/api/v1/role-bindings', { params: { query: { limit: 100, ...(cursor ? { cursor } : {}) } } })));
  const people = useQuery({ queryKey: ['accounts', 'names'], queryFn: () => read.accounts(null), enabled: mayNames });
  const nameOf = (one: Binding) => people.data?.data.find((each) => each.id === one.subject_id)?.email || one.subject_id;
  const columns: Columns<Binding> = [
    { header: said.subject, id: 'subject', accessorFn: nameOf },
    { header: said.kind, accessorKey: 'subject_kind' },
    { header: said.role, accessorKey: 'role' },
    { header: said.where, id: 'where', accessorFn: (one) => (one.org === '*' ? said.all : placeOf(one)) },
    { header: said.since, id: 'since', accessorFn: (one) => ago(one.created_at) },
    ...(mayBind ? [{ header: said.take, id: 'take', cell: ({ row }: { row: { original: Binding } }) => <Button size="compact-xs" variant="default" onClick={() => setTaking(row.original)}>{said.take}</Button> }] : []),
  ];
  const give = async (fields: Fields) => {
    const { subject_kind = '', subject_id = '', role = '', org = '', team = '', feature = '' } = fields;
    const body = { subject_kind, subject_id, role, org, team, feature };
    await answer(api.POST('/api/v1/role-bindings', { params: { header: once() }, body }));
    await renew(ROLES);
  };
  return (
    <Stack>
      <Panel title={said.bindings} actions={mayBind && <Button size="xs" onClick={() => setGiving(true)}>{said.give}</Button>}>
        <Shown of={bindings}>
          {(rows) => <DataTable label={said.bindings} columns={columns} rows={rows} idOf={(one) => one.id} more={bindings.more} empty={<Empty title={said.empty} call={call} />} height={360} />}
        </Shown>
      </Panel>
      <Shown of={roles}>{({ data }) => <Roles roles={data} />}</Shown>
      <Can />
      <FormModal opened={giving} onClose={() => setGiving(false)} title={said.give} action={said.give} onSubmit={give}>
        <NativeSelect name="subject_kind" label={said.kind} data={Object.entries(said.kinds).map(([value, label]) => ({ value, label }))} />
        <TextInput name="subject_id" label={said.subjectId} required list="subjects" />
        <datalist id="subjects">{people.data?.data.map((one) => <option key={one.id} value={one.id}>{one.email || one.name}</option>)}</datalist>
        <NativeSelect name="role" label={said.role} data={(roles.data?.data ?? []).map((one) => ({ value: one.name, label: one.title || one.name }))} />
        <TextInput name="org" label={said.org} description={said.orgHint} required defaultValue="default" />
        <Group grow><TextInput name="team" label={said.team} /><TextInput name="feature" label={said.feature} /></Group>
      </FormModal>
      <ConfirmDanger
        opened={taking !== null}
        onClose={() => setTaking(null)}
        title={taking ? said.takeTitle(taking.role, nameOf(taking)) : ''}
        blastRadius={taking ? said.takeBlast(taking.role, taking.org === '*' ? said.all : placeOf(taking)) : []}
        name={taking?.role ?? ''}
        action={said.take}
        onConfirm={async () => {
          await answer(api.POST('/api/v1/role-bindings/{binding_id}/unbind', { params: { path: { binding_id: taking?.id ?? '' }, header: once() } }));
          await renew(ROLES);
        }}
      />
    </Stack>
  );
}
