import { Button, Group, NativeSelect, Text, TextInput, Textarea } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { credentials } from '../../api/credentials';
import { FormModal } from '../../components/FormModal';
import { Money } from '../../components/Money';
import { Failure } from '../../components/states';
import { count } from '../../format';
import { evaluations } from '../../strings/evaluations';

const words = evaluations.start;

/** What a text names: a suite written out, or one of the registry. */
function suiteOf(text: string): never {
  return (text.trim().startsWith('{') ? JSON.parse(text) : text.trim()) as never;
}

/** Starts an evaluation, once it was said what it would cost. */
export function Start({ onClose, onStarted }: { onClose: () => void; onStarted: (id: string) => void }) {
  const renew = useRenew();
  const [suite, setSuite] = useState(words.sample);
  const [chosen, setChosen] = useState('');
  const keys = useQuery({ queryKey: ['keys', 'callers'], queryFn: () => answer(api.GET('/api/v1/keys', { params: { query: { limit: 200 } } })) });
  const callers = keys.data?.data.filter((one) => one.state === 'in_force' && one.scopes.includes('gateway:models:call')) ?? [];
  const key = credentials.byKey ? undefined : chosen || callers[0]?.id;
  const plain = { against: '', environment: '', ...(key === undefined ? {} : { key_id: key }) };
  const estimate = useMutation({ mutationFn: async () => answer(api.POST('/api/v1/evaluations/estimate', { body: { suite: suiteOf(suite), name: '', ...plain } })) });
  const submit = async (fields: Record<string, string>) => {
    const body = { suite: suiteOf(suite), name: fields.name ?? '', ...plain, ...(fields.cap ? { cost_max_usd: fields.cap } : {}) };
    const made = await answer(api.POST('/api/v1/evaluations', { params: { header: once() }, body }));
    await renew(['evaluations']);
    onStarted(made.id);
  };
  const found = estimate.data;
  return (
    <FormModal opened onClose={onClose} title={words.title} action={words.act} onSubmit={submit} size="lg">
      <TextInput name="name" label={words.name} />
      <Textarea label={words.suite} value={suite} onChange={(event) => setSuite(event.currentTarget.value)} autosize minRows={6} maxRows={18} spellCheck={false} styles={{ input: { fontFamily: 'monospace' } }} required />
      {!credentials.byKey && <NativeSelect label={words.key} description={words.keyHint} data={callers.map((one) => ({ value: one.id, label: `${one.name} (${one.team} / ${one.feature})` }))} value={key ?? ''} onChange={(event) => setChosen(event.currentTarget.value)} />}
      <TextInput name="cap" label={words.cap} inputMode="decimal" />
      <Group gap="sm">
        <Button variant="default" size="xs" loading={estimate.isPending} onClick={() => estimate.mutate()}>{words.estimate}</Button>
        <Text size="sm" role="status">{found ? <>{words.told(count(found.answers))} {found.cost_usd === null ? words.unknown : <Money usd={found.cost_usd} />}</> : ''}</Text>
      </Group>
      {found && found.unpriced.length > 0 && <Text size="sm">{words.unpriced} {found.unpriced.join(', ')}.</Text>}
      {estimate.error && <Failure problem={estimate.error} />}
    </FormModal>
  );
}
