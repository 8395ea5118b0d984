import { Button, Checkbox, Group, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { Actor } from '../../components/Actor';
import { ConfirmDanger } from '../../components/ConfirmDanger';
import { type Columns, DataTable } from '../../components/DataTable';
import { type Fields, FormModal } from '../../components/FormModal';
import { Panel } from '../../components/Page';
import { Empty, Shown } from '../../components/states';
import { ago } from '../../format';
import { server } from '../../place';
import { keys as words } from '../../strings/keys';
import { newRule, sayRule, sayWho } from './rule';

type Rule = components['schemas']['ShownRule'];
const said = words.rules;
const RULES = ['access-rules'] as const;
const call = `curl ${server}/api/v1/access-rules -H "Authorization: Bearer $LEGATO_ADMIN_KEY" \\\n  -H 'Content-Type: application/json' -d '{"org": "default", "name": "no-shell", "who": {"features": ["public-bot"]}, "tools": {"deny": ["shell"]}}'`;

/** Rules of access that were made while the instance runs. */
export function Rules() {
  const may = useMay();
  const renew = useRenew();
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Rule | null>(null);
  const list = useQuery({ queryKey: RULES, queryFn: () => answer(api.GET('/api/v1/access-rules')) });
  const columns: Columns<Rule> = [
    { header: said.name, id: 'name', accessorFn: (one) => one.rule.name },
    { header: said.who, id: 'who', accessorFn: (one) => sayWho(one) },
    { header: said.what, id: 'what', accessorFn: (one) => sayRule(one.rule) },
    { header: said.by, id: 'by', cell: ({ row }) => <Actor of={row.original.created_by} /> },
    { header: said.since, id: 'since', accessorFn: (one) => ago(one.created_at) },
    ...(may('control:access:delete') ? [{ header: said.remove, id: 'remove', cell: ({ row }: { row: { original: Rule } }) => <Button size="compact-xs" variant="default" aria-label={said.removeOne(row.original.rule.name)} onClick={() => setRemoving(row.original)}>{said.remove}</Button> }] : []),
  ];
  const add = async (fields: Fields) => {
    await answer(api.POST('/api/v1/access-rules', { params: { header: once() }, body: newRule(fields) }));
    await renew(RULES);
  };
  return (
    <Panel title={said.title} actions={may('control:access:create') && <Button size="xs" onClick={() => setAdding(true)}>{said.add}</Button>}>
      <Shown of={list}>{({ data }) => <DataTable label={said.title} columns={columns} rows={data} idOf={(one) => one.id} empty={<Empty title={said.empty} call={call}>{said.emptyHint}</Empty>} />}</Shown>
      <FormModal opened={adding} onClose={() => setAdding(false)} title={said.add} about={said.addAbout} action={said.add} onSubmit={add} size="lg">
        <Group grow align="flex-end"><TextInput name="name" label={said.name} required data-autofocus /><TextInput name="org" label={said.org} description={said.orgHint} required defaultValue="default" /></Group>
        <Group grow><TextInput name="teams" label={said.teams} /><TextInput name="features" label={said.features} /><TextInput name="keys" label={said.keys} /></Group>
        <Group grow><TextInput name="models" label={said.models} /><TextInput name="deployments" label={said.deployments} /></Group>
        <Group grow><TextInput name="regions" label={said.regions} /><TextInput name="tools_allow" label={said.allow} /><TextInput name="tools_deny" label={said.deny} /></Group>
        <Checkbox name="no_training" label={said.noTraining} />
      </FormModal>
      <ConfirmDanger
        opened={removing !== null}
        onClose={() => setRemoving(null)}
        title={said.removeOne(removing?.rule.name ?? '')}
        blastRadius={removing ? said.removeBlast(sayWho(removing), sayRule(removing.rule)) : []}
        name={removing?.rule.name ?? ''}
        action={said.remove}
        onConfirm={async () => {
          await answer(api.POST('/api/v1/access-rules/{rule_id}/remove', { params: { path: { rule_id: removing?.id ?? '' }, header: once() } }));
          await renew(RULES);
        }}
      />
    </Panel>
  );
}
