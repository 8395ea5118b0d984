import { Button, Group, NativeSelect, NumberInput, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import { useMay } from '../../api/session';
import { ConfirmDanger } from '../../components/ConfirmDanger';
import { CopySecretOnce } from '../../components/CopySecretOnce';
import { type Fields, FormModal } from '../../components/FormModal';
import { count, momentIn } from '../../format';
import { exactly, sumOf } from '../../money';
import { keys as words } from '../../strings/keys';
import { type Key, namesIn, placeOf, wholeIn } from './data';
import { useUsage } from './usage';

/** What can be done with a key by whoever looks at it. */
export function KeyActs({ one, etag }: { one: Key; etag: string }) {
  const may = useMay();
  const renew = useRenew();
  const [open, setOpen] = useState<'edit' | 'rotate' | 'revoke' | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  if (one.source === 'config') return <Text size="sm" c="dimmed">{words.configured}</Text>;
  if (one.state === 'revoked') return null;
  const path = { key_id: one.id };
  const close = () => setOpen(null);
  const after = () => renew(['keys']);
  const rotate = async (fields: Fields) => {
    const body = { overlap_s: Number(fields.overlap_s) };
    const made = await answer(api.POST('/api/v1/keys/{key_id}/rotate', { params: { path, header: once() }, body }));
    setSecret(made.secret);
    await after();
  };
  const edit = async (fields: Fields) => {
    const body = {
      models: namesIn(fields.models) ?? ['*'],
      allow_from: namesIn(fields.allow_from) ?? [],
      requests_per_minute: wholeIn(fields.requests_per_minute) ?? null,
      concurrency_max: wholeIn(fields.concurrency_max) ?? null,
      budget: fields.usd ? { usd: fields.usd, window: fields.window as 'day' } : null,
      ...(fields.expires_at ? { expires_at: momentIn(fields.expires_at) ?? null } : {}),
    };
    await answer(api.PATCH('/api/v1/keys/{key_id}', { params: { path, header: { 'If-Match': etag } }, body }));
    await after();
  };
  const form = words.form;
  return (
    <Group gap="xs">
      {may('control:key:update') && <Button size="xs" variant="default" onClick={() => setOpen('edit')}>{words.edit}</Button>}
      {may('control:key:rotate') && <Button size="xs" variant="default" onClick={() => setOpen('rotate')}>{words.rotate}</Button>}
      {may('control:key:revoke') && <Button size="xs" color="red.9" onClick={() => setOpen('revoke')}>{words.revoke}</Button>}
      <FormModal opened={open === 'edit'} onClose={close} title={words.edit} action={form.save} onSubmit={edit}>
        <TextInput name="models" label={form.models} description={form.modelsHint} defaultValue={one.models.includes('*') ? '' : one.models.join(', ')} />
        <NumberInput name="requests_per_minute" label={form.minute} min={1} defaultValue={one.requests_per_minute ?? ''} />
        <NumberInput name="concurrency_max" label={form.together} min={1} defaultValue={one.concurrency_max ?? ''} />
        <Group grow align="flex-end">
          <TextInput name="usd" label={form.usd} inputMode="decimal" defaultValue={one.budget?.usd ?? ''} />
          <NativeSelect name="window" label={form.window} data={['day', 'week', 'month', 'total']} defaultValue={one.budget?.window ?? 'month'} />
        </Group>
        <TextInput name="allow_from" label={form.allow} description={form.allowHint} defaultValue={one.allow_from.join(', ')} />
        <TextInput name="expires_at" type="datetime-local" label={form.expires} />
      </FormModal>
      <FormModal opened={open === 'rotate'} onClose={close} title={words.rotateTitle(one.name)} about={words.rotateAbout} action={words.rotate} onSubmit={rotate}>
        <NativeSelect name="overlap_s" label={words.overlap} data={words.overlaps.map(([value = '', label = '']) => ({ value, label }))} defaultValue="86400" />
      </FormModal>
      {open === 'revoke' && <Revoke one={one} onClose={close} onDone={after} />}
      <CopySecretOnce secret={secret} name={one.name} onDone={() => setSecret(null)} />
    </Group>
  );
}

/** Asks for the name, beside what stops when the key goes. */
function Revoke({ one, onClose, onDone }: { one: Key; onClose: () => void; onDone: () => Promise<void> }) {
  const readsLedger = useMay()('control:ledger:read');
  const usage = useUsage(one.id, readsLedger);
  const sums = usage.data ?? [];
  const requests = sums.reduce((sum, each) => sum + each.requests, 0);
  const models = sums.map((each) => each.model).filter(Boolean).join(', ');
  const used = !readsLedger
    ? [words.blast.unknown]
    : requests === 0
      ? [words.usedNever]
      : [words.blast.calls(count(requests), exactly(sumOf(sums.map((each) => each.usd)))), words.blast.models(models)];
  return (
    <ConfirmDanger
      opened
      onClose={onClose}
      title={words.revokeTitle(one.name)}
      blastRadius={[words.blast.stops, ...used, words.blast.feature(placeOf(one))]}
      name={one.name}
      action={words.revoke}
      onConfirm={async () => {
        await answer(api.POST('/api/v1/keys/{key_id}/revoke', { params: { path: { key_id: one.id }, header: once() } }));
        await onDone();
      }}
    />
  );
}
