import { Alert, Anchor, Button, Center, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useEffect, useState } from 'react';
import { answer, api } from '../api/client';
import { useSession, useSigning } from '../api/session';
import { Failure } from '../components/states';
import { invitation as words } from '../strings/sign-in';

export const INVITATION = '/invitation';

/** Where the link of an invitation leads. Its token stands behind the `#`, so no server's log has it. */
export function Invitation() {
  const navigate = useNavigate();
  const { byPassword, renew } = useSigning();
  const present = useSession().data?.email ?? null;
  const [token] = useState(() => globalThis.location.hash.slice(1));
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [joins, setJoins] = useState(false);
  const [email, setEmail] = useState('');
  const differ = again !== '' && again !== password;
  useEffect(() => {
    document.title = words.title;
  }, []);
  const choose = async () => {
    const { login } = await answer(api.POST('/api/v1/login/invitation', { body: { token, password } }));
    await byPassword(login, password);
  };
  const take = () => answer(api.POST('/api/v1/me/invitations', { body: { token } }));
  const join = () => byPassword(email, password, take);
  const takeHere = async () => {
    await take();
    await renew();
  };
  const accept = async (by: () => Promise<void>) => {
    setBusy(true);
    setProblem(null);
    try {
      await by();
      await navigate({ to: '/' as never, replace: true });
    } catch (refused) {
      setProblem(refused);
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void accept(joins ? join : choose);
  };
  const turn = () => {
    setJoins(!joins);
    setPassword('');
    setAgain('');
    setProblem(null);
  };
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder p="xl" w={400} bg="var(--legato-surface)">
        <Stack>
          <Title order={1}>{words.title}</Title>
          {token === '' ? (
            <Alert color="yellow" variant="outline">{words.noToken}</Alert>
          ) : (
            <form onSubmit={submit}>
              <Stack>
                {present !== null && <Button type="button" variant="default" loading={busy} onClick={() => void accept(takeHere)}>{words.take(present)}</Button>}
                <Text size="sm" c="dimmed">{joins ? words.joinHint : words.hint}</Text>
                {joins && <TextInput label={words.email} autoComplete="username" required value={email} onChange={(event) => setEmail(event.currentTarget.value)} />}
                <PasswordInput label={words.password} autoComplete={joins ? 'current-password' : 'new-password'} required value={password} onChange={(event) => setPassword(event.currentTarget.value)} />
                {!joins && <PasswordInput label={words.again} autoComplete="new-password" required value={again} error={differ && words.differ} onChange={(event) => setAgain(event.currentTarget.value)} />}
                {problem !== null && <Failure problem={problem} />}
                <Button type="submit" loading={busy} disabled={differ}>{joins ? words.join : words.submit}</Button>
                <Anchor component="button" type="button" size="sm" onClick={turn}>{joins ? words.orChoose : words.orJoin}</Anchor>
              </Stack>
            </form>
          )}
        </Stack>
      </Paper>
    </Center>
  );
}
