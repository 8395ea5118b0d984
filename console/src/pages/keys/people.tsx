import { Button, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { usePages } from '../../api/pages';
import { useMay } from '../../api/session';
import { ConfirmDanger } from '../../components/ConfirmDanger';
import { CopySecretOnce } from '../../components/CopySecretOnce';
import { type Columns, DataTable } from '../../components/DataTable';
import { Details } from '../../components/Details';
import { Facts, State } from '../../components/Facts';
import { type Fields, FormModal } from '../../components/FormModal';
import { Tokens, type TokensOf } from '../../components/Tokens';
import { Empty, Shown } from '../../components/states';
import { ago, moment } from '../../format';
import { root, server } from '../../place';
import { keys as words } from '../../strings/keys';
import { useUrl } from '../../url';
import { type Account, read } from './data';

const said = words.people;
const ACCOUNTS = ['accounts'] as const;
const call = `curl ${server}/api/v1/accounts -H "Authorization: Bearer $LEGATO_ADMIN_KEY" \\\n  -H 'Content-Type: application/json' -d '{"org": "default", "email": "olive@example.com"}'`;

const columns: Columns<Account> = [
  { header: said.name, id: 'name', accessorFn: (one) => (one.kind === 'person' && one.login) || one.name },
  { header: said.kind, accessorKey: 'kind' },
  { header: said.org, accessorKey: 'org' },
  { header: said.state, id: 'state', cell: ({ row }) => <StateOf one={row.original} /> },
  { header: said.signed, id: 'signed', accessorFn: (one) => (one.signed_in_at ? ago(one.signed_in_at) : said.never) },
];

const StateOf = ({ one }: { one: Account }) => <State tone={one.state === 'active' ? 'good' : one.state === 'disabled' ? 'bad' : 'warn'}>{one.state}</State>;

/** Who signs in, and service accounts. */
export function People() {
  const may = useMay();
  const renew = useRenew();
  const [search, change] = useUrl();
  const [making, setMaking] = useState<'person' | 'service' | null>(null);
  const [invitation, setInvitation] = useState<string | null>(null);
  const list = usePages(ACCOUNTS, [], read.accounts);
  const chosen = list.data?.find((one) => one.id === search.selected);
  const make = async (fields: Fields) => {
    const { org = '', name = '', email = '' } = fields;
    const body = { org, kind: making ?? 'person', name, email };
    const made = await answer(api.POST('/api/v1/accounts', { params: { header: once() }, body }));
    setInvitation(made.invitation);
    await renew(ACCOUNTS);
  };
  return (
    <Stack>
      {may('control:account:create') && (
        <Group justify="flex-end">
          <Button variant="default" onClick={() => setMaking('service')}>{said.service}</Button>
          <Button onClick={() => setMaking('person')}>{said.invite}</Button>
        </Group>
      )}
      <Shown of={list}>
        {(rows) => (
          <DataTable label={words.tabs.people} columns={columns} rows={rows} idOf={(one) => one.id} selected={search.selected} onOpen={(one) => change({ selected: one.id }, true)} more={list.more} empty={<Empty title={said.empty} call={call}>{said.emptyHint}</Empty>} />
        )}
      </Shown>
      <FormModal opened={making !== null} onClose={() => setMaking(null)} title={making === 'service' ? said.service : said.invite} action={said.create} onSubmit={make}>
        <TextInput name="org" label={said.org} required defaultValue="default" />
        {making === 'service' ? <TextInput name="name" label={said.name} required data-autofocus /> : <TextInput name="email" type="email" label={said.email} required data-autofocus />}
      </FormModal>
      <CopySecretOnce secret={invitation && `${root.href}invitation#${invitation}`} name={said.invitation} onDone={() => setInvitation(null)} />
      <Details opened={chosen !== undefined} title={chosen?.email || chosen?.name} onClose={() => change({ selected: undefined })}>
        {chosen && <One account={chosen} onInvited={setInvitation} />}
      </Details>
    </Stack>
  );
}

function One({ account, onInvited }: { account: Account; onInvited: (invitation: string) => void }) {
  const mayChange = useMay()('control:account:update');
  const renew = useRenew();
  const [asking, setAsking] = useState<'disable' | 'out' | null>(null);
  const path = { account_id: account.id };
  const name = (account.kind === 'person' && account.login) || account.name;
  const told = async (command: string) => {
    await answer(api.POST('/api/v1/accounts/{account_id}/{command}', { params: { path: { ...path, command } } }));
    await renew(ACCOUNTS);
  };
  const invite = async () => onInvited((await answer(api.POST('/api/v1/accounts/{account_id}/invite', { params: { path, header: once() } }))).invitation);
  return (
    <>
      {mayChange && (
        <Group gap="xs">
          {account.state === 'disabled' ? (
            <Button size="xs" variant="default" onClick={() => void told('enable')}>{said.enable}</Button>
          ) : (
            <Button size="xs" color="red.9" onClick={() => setAsking('disable')}>{said.disable}</Button>
          )}
          {account.kind === 'person' && account.provider === null && <Button size="xs" variant="default" onClick={() => void invite()}>{said.again}</Button>}
          {account.kind === 'person' && <Button size="xs" variant="default" onClick={() => void told('unlock')}>{said.unlock}</Button>}
          {account.kind === 'person' && <Button size="xs" variant="default" onClick={() => setAsking('out')}>{said.out}</Button>}
        </Group>
      )}
      <Facts
        of={[
          [said.state, <StateOf key="state" one={account} />], [said.kind, account.kind], [said.org, account.org], [said.by, account.provider ?? (account.kind === 'person' ? said.password : null)],
          [words.columns.made, moment(account.created_at)], [said.signed, account.signed_in_at && moment(account.signed_in_at)], [said.login, account.kind === 'person' ? account.login : null], [words.facts.id, account.id],
        ]}
      />
      {account.kind === 'person' ? <Sessions id={account.id} /> : <ServiceTokens id={account.id} mayChange={mayChange} />}
      <ConfirmDanger opened={asking === 'disable'} onClose={() => setAsking(null)} title={said.disableTitle(name)} blastRadius={said.disableBlast} name={name} action={said.disable} onConfirm={() => told('disable')} />
      <ConfirmDanger
        opened={asking === 'out'}
        onClose={() => setAsking(null)}
        title={said.outTitle(name)}
        blastRadius={said.outBlast}
        name={name}
        action={said.out}
        onConfirm={async () => {
          await answer(api.POST('/api/v1/accounts/{account_id}/sign-out', { params: { path } }));
          await renew(ACCOUNTS);
        }}
      />
    </>
  );
}

function Sessions({ id }: { id: string }) {
  const sessions = useQuery({
    queryKey: [...ACCOUNTS, id, 'sessions'],
    queryFn: () => answer(api.GET('/api/v1/accounts/{account_id}/sessions', { params: { path: { account_id: id } } })),
  });
  return (
    <section aria-label={said.sessions}>
      <Title order={3} mb="xs">{said.sessions}</Title>
      <Shown of={sessions}>
        {({ data }) => (data.length === 0 ? <Text size="sm" c="dimmed">{said.noSessions}</Text> : <Facts of={data.map((one) => [ago(one.used_at), `${one.address} · ${one.agent}`])} />)}
      </Shown>
    </section>
  );
}

function ServiceTokens({ id, mayChange }: { id: string; mayChange: boolean }) {
  const path = { account_id: id };
  const of: TokensOf = {
    key: [...ACCOUNTS, id, 'tokens'],
    list: () => answer(api.GET('/api/v1/accounts/{account_id}/tokens', { params: { path } })),
    make: (body) => answer(api.POST('/api/v1/accounts/{account_id}/tokens', { params: { path, header: once() }, body })),
    revoke: (token_id) => answer(api.POST('/api/v1/accounts/{account_id}/tokens/{token_id}/revoke', { params: { path: { ...path, token_id } } })),
  };
  return (
    <section aria-label={said.tokens}>
      <Title order={3} mb="xs">{said.tokens}</Title>
      <Tokens of={of} mayChange={mayChange} />
    </section>
  );
}
