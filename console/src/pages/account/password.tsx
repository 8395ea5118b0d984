import { Alert, Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { Panel } from '../../components/Page';
import { Failure } from '../../components/states';
import { account } from '../../strings/account';

const words = account.password;
const EMPTY = { current: '', next: '', again: '' };

export function Password({ email }: { email: string }) {
  const renew = useRenew();
  const [typed, setTyped] = useState(EMPTY);
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const [done, setDone] = useState(false);
  const differ = typed.again !== '' && typed.again !== typed.next;
  const change = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    setDone(false);
    try {
      await answer(api.POST('/api/v1/me/password', { body: { current: typed.current, new: typed.next } }));
      setTyped(EMPTY);
      setDone(true);
      await renew(['own', 'sessions']);
    } catch (refused) {
      setProblem(refused);
    } finally {
      setBusy(false);
    }
  };
  const field = (name: keyof typeof EMPTY) => ({
    label: words[name],
    required: true,
    value: typed[name],
    onChange: (event: { currentTarget: { value: string } }) => setTyped({ ...typed, [name]: event.currentTarget.value }),
  });
  return (
    <Panel title={words.title}>
      <form onSubmit={(event) => void change(event)}>
        <Stack gap="sm">
          <Text size="sm" c="dimmed">{words.hint}</Text>
          <TextInput display="none" type="email" autoComplete="username" value={email} readOnly aria-hidden="true" tabIndex={-1} />
          <PasswordInput {...field('current')} autoComplete="current-password" />
          <PasswordInput {...field('next')} autoComplete="new-password" />
          <PasswordInput {...field('again')} autoComplete="new-password" error={differ && words.differ} />
          {problem !== null && <Failure problem={problem} />}
          {done && <Alert color="green" variant="outline" role="status">{words.done}</Alert>}
          <Button type="submit" w="fit-content" loading={busy} disabled={differ}>{words.change}</Button>
        </Stack>
      </form>
    </Panel>
  );
}
