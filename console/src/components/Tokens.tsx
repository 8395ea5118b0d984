import { Button, Group, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useRenew } from '../api/acts';
import type { components } from '../api/schema';
import { ago, momentIn } from '../format';
import { common } from '../strings/common';
import { tokens as words } from '../strings/tokens';
import { ConfirmDanger } from './ConfirmDanger';
import { CopySecretOnce } from './CopySecretOnce';
import { Facts } from './Facts';
import { type Fields, FormModal } from './FormModal';
import { Shown } from './states';

type Token = components['schemas']['OneToken'];

export interface TokensOf {
  key: readonly string[];
  list: () => Promise<{ data: Token[] }>;
  make: (body: { name: string; expires_at: string }, fields: Fields) => Promise<{ token: Token; secret: string }>;
  revoke: (id: string) => Promise<unknown>;
}

const until = (one: Token) => (new Date(one.expires_at) < new Date() ? words.over : `${words.until} ${ago(one.expires_at)}`);

/** Tokens of one account, made and revoked where one may; `children` are further fields of a new one. */
export function Tokens({ of, mayChange, children }: { of: TokensOf; mayChange: boolean; children?: ReactNode }) {
  const renew = useRenew();
  const [making, setMaking] = useState(false);
  const [secret, setSecret] = useState<{ name: string; secret: string } | null>(null);
  const [going, setGoing] = useState<Token | null>(null);
  const list = useQuery({ queryKey: of.key, queryFn: of.list });
  const make = async (fields: Fields) => {
    const made = await of.make({ name: fields.name ?? '', expires_at: momentIn(fields.expires_at) ?? '' }, fields);
    setSecret({ name: made.token.name, secret: made.secret });
    await renew(of.key);
  };
  return (
    <>
      {mayChange && <Button size="compact-sm" variant="default" mb="xs" onClick={() => setMaking(true)}>{words.make}</Button>}
      <Shown of={list}>
        {({ data }) =>
          data.length === 0 ? (
            <Text size="sm" c="dimmed">{words.none}</Text>
          ) : (
            <Facts
              of={data.map((one) => [
                one.name,
                <Group key={one.id} gap="xs" justify="space-between">
                  <span>{one.revoked_at ? words.revoked : until(one)}{one.permissions.length > 0 && ` · ${words.may(one.permissions.length)}`}</span>
                  {mayChange && !one.revoked_at && <Button size="compact-xs" color="red.9" onClick={() => setGoing(one)} aria-label={words.revokeTitle(one.name)}>{words.revoke}</Button>}
                </Group>,
              ])}
            />
          )
        }
      </Shown>
      <FormModal opened={making} onClose={() => setMaking(false)} title={words.make} action={words.create} onSubmit={make}>
        <TextInput name="name" label={words.name} required data-autofocus />
        <TextInput name="expires_at" type="datetime-local" label={words.expires} required />
        {children}
      </FormModal>
      <CopySecretOnce secret={secret?.secret ?? null} name={secret?.name ?? common.none} onDone={() => setSecret(null)} />
      <ConfirmDanger
        opened={going !== null}
        onClose={() => setGoing(null)}
        title={words.revokeTitle(going?.name ?? '')}
        blastRadius={words.revokeBlast}
        name={going?.name ?? ''}
        action={words.revoke}
        onConfirm={async () => {
          await of.revoke(going?.id ?? '');
          await renew(of.key);
        }}
      />
    </>
  );
}
