import { Alert, Button, Center, Divider, Paper, PasswordInput, Stack, Tabs, Text, TextInput, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { addressOf, answer, api } from '../api/client';
import { useSigning } from '../api/session';
import { Failure, Shown } from '../components/states';
import { shell } from '../strings/shell';
import { refusedAnyway, refusedBy, signIn as words } from '../strings/sign-in';
import { useUrl } from '../url';

/** Asks who one is; the address stays, so one comes out on the page one wanted. */
export function SignIn({ expired }: { expired: boolean }) {
  const offer = useQuery({ queryKey: ['sign-in'], queryFn: () => answer(api.GET('/api/v1/sign-in')) });
  const [{ refused }] = useUrl();
  useEffect(() => {
    document.title = `${words.title}`;
  }, []);
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder p="xl" w={400} bg="var(--legato-surface)">
        <Stack>
          <Title order={1}>{words.title}</Title>
          {expired && <Alert color="yellow" variant="outline" role="status">{shell.expired}</Alert>}
          {refused && <Alert color="red" variant="outline" role="alert">{refusedBy[refused] ?? refusedAnyway}</Alert>}
          <Shown of={offer}>
            {({ passwords, providers }) => {
              const accounts = passwords || providers.length > 0;
              return (
                <Tabs defaultValue={accounts ? 'account' : 'key'}>
                  {accounts && (
                    <Tabs.List mb="md" aria-label={words.way}>
                      <Tabs.Tab value="account">{words.accountTab}</Tabs.Tab>
                      <Tabs.Tab value="key">{words.keyTab}</Tabs.Tab>
                    </Tabs.List>
                  )}
                  {accounts && (
                    <Tabs.Panel value="account">
                      <Stack>
                        {providers.map((one) => (
                          <Button key={one.name} component="a" variant="default" href={`${addressOf(one.url)}?next=${encodeURIComponent(here())}`}>
                            {words.by(one.title)}
                          </Button>
                        ))}
                        {passwords && providers.length > 0 && <Divider />}
                        {passwords && <ByPassword />}
                      </Stack>
                    </Tabs.Panel>
                  )}
                  <Tabs.Panel value="key">
                    {!accounts && <Text size="sm" mb="sm">{words.neither}</Text>}
                    <ByKey />
                  </Tabs.Panel>
                </Tabs>
              );
            }}
          </Shown>
        </Stack>
      </Paper>
    </Center>
  );
}

/** The page one wanted, without what an earlier try left in its address. */
function here(): string {
  const { pathname, searchParams } = new URL(globalThis.location.href);
  searchParams.delete('refused');
  return pathname + (searchParams.size > 0 ? `?${searchParams}` : '');
}

function useTrying() {
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const attempt = async (event: FormEvent, act: () => Promise<void>) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    await act().catch(setProblem);
    setBusy(false);
  };
  return { problem, busy, attempt };
}

function ByPassword() {
  const { byPassword } = useSigning();
  const { problem, busy, attempt } = useTrying();
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  return (
    <form onSubmit={(event) => void attempt(event, () => byPassword(email, password))}>
      <Stack>
        <TextInput label={words.email} description={words.emailHint} autoComplete="username" required value={email} onChange={(event) => setEmail(event.currentTarget.value)} />
        <PasswordInput label={words.password} autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.currentTarget.value)} />
        {problem !== null && <Failure problem={problem} />}
        <Button type="submit" loading={busy}>{words.submit}</Button>
      </Stack>
    </form>
  );
}

function ByKey() {
  const { byKey } = useSigning();
  const { problem, busy, attempt } = useTrying();
  const [key, setKey] = useState('');
  return (
    <form onSubmit={(event) => void attempt(event, () => byKey(key.trim()))}>
      <Stack>
        <PasswordInput label={words.key} description={words.keyHint} autoComplete="off" required value={key} onChange={(event) => setKey(event.currentTarget.value)} />
        {problem !== null && <Failure problem={problem} />}
        <Button type="submit" loading={busy}>{words.useKey}</Button>
      </Stack>
    </form>
  );
}
