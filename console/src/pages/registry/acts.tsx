import { Button, Checkbox, Group, NumberInput, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { once, useRenew } from '../../api/acts';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { ConfirmDanger } from '../../components/ConfirmDanger';
import { type Fields, FormModal } from '../../components/FormModal';
import { registry as words } from '../../strings/registry';

const BASIS_POINTS = 100;
const LIVE = 'production';

/** Moving labels: at once, step by step, and back. */
export function Acts({ stored }: { stored: components['schemas']['Object'] }) {
  const may = useMay();
  const renew = useRenew();
  const [open, setOpen] = useState<'move' | 'rollout' | 'rollback' | null>(null);
  const [told, setTold] = useState('');
  if (!may('registry:label:move')) return null;
  const { kind, name } = stored;
  const path = { kind: kind as never, name };
  const live = stored.labels[LIVE];
  const close = () => setOpen(null);
  const move = async ({ label = '', version = '', reason = '' }: Fields) => {
    const made = await answer(api.POST('/api/v1/registry/objects/{kind}/{name}/labels', { params: { path, header: once() }, body: { label, version, reason } }));
    setTold(made.move?.state === 'pending' ? words.waits : words.moved);
    await renew(['registry']);
  };
  const rollOut = async ({ candidate = '', share, samples, errors, reason = '' }: Fields) => {
    const step = { share_bp: Math.round(Number(share) * BASIS_POINTS), samples_min: Number(samples) };
    const plan = { steps: [step], gates: errors === undefined ? [] : [{ metric: 'errors' }] };
    await answer(api.POST('/api/v1/registry/rollouts', { params: { header: once() }, body: { kind, name, candidate, candidates: [], label: LIVE, plan: plan as never, reason } }));
    await renew(['registry']);
  };
  return (
    <Group gap="xs">
      <Button size="xs" variant="default" onClick={() => setOpen('move')}>{words.move}</Button>
      {live !== undefined && stored.versions > 1 && <Button size="xs" variant="default" onClick={() => setOpen('rollout')}>{words.rollout.start}</Button>}
      {live !== undefined && <Button size="xs" color="red.9" onClick={() => setOpen('rollback')}>{words.rollback}</Button>}
      <Text size="sm" c="dimmed" role="status">{told}</Text>
      <FormModal opened={open === 'move'} onClose={close} title={`${words.move}: ${name}`} action={words.moveIt} onSubmit={move}>
        <TextInput name="label" label={words.label} required defaultValue={LIVE} />
        <NumberInput name="version" label={words.to} required min={1} max={stored.versions} defaultValue={stored.versions} />
        <TextInput name="reason" label={words.reason} />
      </FormModal>
      <FormModal opened={open === 'rollout'} onClose={close} title={words.rollout.startTitle(name)} action={words.rollout.start} onSubmit={rollOut}>
        <NumberInput name="candidate" label={words.rollout.candidate} required min={1} max={stored.versions} defaultValue={stored.versions} />
        <Group grow align="flex-end">
          <NumberInput name="share" label={words.rollout.share} required min={1} max={99} defaultValue={10} />
          <NumberInput name="samples" label={words.rollout.samples} required min={1} defaultValue={200} thousandSeparator="" />
        </Group>
        <Checkbox name="errors" label={words.rollout.errors} defaultChecked />
        <TextInput name="reason" label={words.reason} />
      </FormModal>
      <ConfirmDanger
        opened={open === 'rollback'}
        onClose={close}
        title={words.rollbackTitle(LIVE, name)}
        blastRadius={words.rollbackBlast(LIVE, `${words.version.toLowerCase()} ${live ?? ''}`)}
        name={name}
        action={words.rollback}
        onConfirm={async () => {
          await answer(api.POST('/api/v1/registry/objects/{kind}/{name}/rollback', { params: { path, header: once() }, body: { label: LIVE, reason: '' } }));
          await renew(['registry']);
        }}
      />
    </Group>
  );
}
