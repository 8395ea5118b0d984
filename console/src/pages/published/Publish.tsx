import { Group, NativeSelect, Text, TextInput, Textarea } from '@mantine/core';
import { once } from '../../api/acts';
import { answer, api } from '../../api/client';
import { type Fields, FormModal } from '../../components/FormModal';
import { published as words } from '../../strings/published';
import { WhichFeature } from '../keys/which-feature';
import { Audience, audienceOf } from './Audience';

const form = words.form;

/** Publishes a workflow: what of, for whom, and for how much. */
export function Publish({ onClose, onDone }: { onClose: () => void; onDone: () => Promise<void> }) {
  const publish = async (fields: Fields) => {
    const body = {
      name: fields.name ?? '',
      kind: fields.kind as 'form',
      workflow: fields.workflow ?? '',
      feature_id: fields.feature_id ?? '',
      budget: { usd: fields.usd ?? '', window: fields.window as 'month' },
      audience: audienceOf(fields),
      models: ['*'],
      title: fields.title ?? '',
      about: fields.about ?? '',
    };
    await answer(api.POST('/api/v1/workflow-pages', { params: { header: once() }, body }));
    await onDone();
  };
  return (
    <FormModal opened onClose={onClose} title={words.publish} action={words.publish} onSubmit={publish} size="lg">
      <Group grow align="flex-end">
        <TextInput name="workflow" label={form.workflow} description={form.workflowHint} required autoComplete="off" />
        <NativeSelect name="kind" label={form.kind} data={Object.entries(words.kind).map(([value, label]) => ({ value, label }))} />
      </Group>
      <Group grow align="flex-end">
        <TextInput name="name" label={form.name} description={form.nameHint} required autoComplete="off" />
        <TextInput name="title" label={form.title} />
      </Group>
      <Textarea name="about" label={form.about} autosize minRows={2} maxRows={6} />
      <WhichFeature />
      <Text size="xs" c="dimmed">{form.featureHint}</Text>
      <Group grow align="flex-end">
        <TextInput name="usd" label={form.usd} inputMode="decimal" required />
        <NativeSelect name="window" label={form.window} data={['day', 'week', 'month', 'total']} defaultValue="month" />
      </Group>
      <Audience />
    </FormModal>
  );
}
