import { List, MultiSelect, Stack, Text, Title } from '@mantine/core';
import { once } from '../../api/acts';
import { answer, api } from '../../api/client';
import { useSession } from '../../api/session';
import { Facts } from '../../components/Facts';
import { Columns, Page, Panel } from '../../components/Page';
import { Tokens, type TokensOf } from '../../components/Tokens';
import { moment } from '../../format';
import { account as words } from '../../strings/account';
import { namesIn, placeOf } from '../keys/data';
import { Password } from './password';
import { Sessions } from './sessions';

const EVERY = '*';

export default function Account() {
  const { data } = useSession();
  if (!data) return null;
  const own = data.email !== null; // a session of an account, not a key
  return (
    <Page title={words.title} about={words.about}>
      <Columns min={420}>
        <Who />
        {own && <Panel title={words.tokens.title}><OwnTokens held={data.me.permissions} /></Panel>}
        {own && data.provider === null && <Password email={data.email ?? ''} />}
      </Columns>
      {own && <Sessions />}
    </Page>
  );
}

function Who() {
  const { data } = useSession();
  if (!data) return null;
  const { me, email, expiresAt, provider } = data;
  const said = words.who;
  return (
    <Panel title={said.title}>
      <Stack gap="sm">
        <Facts
          of={[
            email === null ? [said.name, me.name] : [said.email, email], [said.org, me.org],
            [said.by, email === null ? said.key : (provider ?? said.password)],
            [said.ends, expiresAt && moment(expiresAt)],
          ]}
        />
        {email === null && <Text size="sm" c="dimmed">{said.keyHint}</Text>}
        <div>
          <Title order={3} mb={4}>{said.roles}</Title>
          {me.roles.length === 0 && <Text size="sm" c="dimmed">{said.noRoles}</Text>}
          {me.roles.map((one) => (
            <Text key={`${one.role} ${placeOf(one)}`} size="sm">
              <b>{one.role}</b> · {one.org === EVERY ? said.everywhere : placeOf(one)}
            </Text>
          ))}
        </div>
        <details>
          <summary>{said.permissions(me.permissions.length)}</summary>
          <List size="sm" mt="xs">{me.permissions.map((one) => <List.Item key={one}>{one}</List.Item>)}</List>
        </details>
      </Stack>
    </Panel>
  );
}

function OwnTokens({ held }: { held: string[] }) {
  const of: TokensOf = {
    key: ['own', 'tokens'],
    list: () => answer(api.GET('/api/v1/tokens')),
    make: (body, fields) =>
      answer(api.POST('/api/v1/tokens', { params: { header: once() }, body: { ...body, permissions: (namesIn(fields.permissions) ?? []) as never[] } })),
    revoke: (token_id) => answer(api.POST('/api/v1/tokens/{token_id}/revoke', { params: { path: { token_id } } })),
  };
  return (
    <>
      <Text size="sm" c="dimmed" mb="sm">{words.tokens.hint}</Text>
      <Tokens of={of} mayChange>
        <MultiSelect name="permissions" label={words.tokens.permissions} data={held} searchable clearable />
      </Tokens>
    </>
  );
}
