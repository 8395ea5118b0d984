import { Alert, Button, Code, Group, Modal, NativeSelect, NumberInput, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { once } from '../../api/acts';
import { answer, api } from '../../api/client';
import { CopyButton } from '../../components/CopyButton';
import { type Fields, FormModal } from '../../components/FormModal';
import { Snippet } from '../../components/states';
import { server } from '../../place';
import { keys as words } from '../../strings/keys';
import { secret as secretWords } from '../../strings/secret';
import { callWith, newKey } from './data';
import { WhichFeature } from './which-feature';

const form = words.form;

interface NewKeyProps {
  opened: boolean;
  onClose: () => void;
  onMade: () => Promise<void>;
}

/** Makes a key of a feature; its secret is shown this once, in a call ready to paste. */
export function NewKey({ opened, onClose, onMade }: NewKeyProps) {
  const [made, setMade] = useState<{ name: string; secret: string; model: string } | null>(null);
  const make = async (fields: Fields) => {
    const body = newKey(fields);
    const { key, secret } = await answer(api.POST('/api/v1/keys', { params: { header: once() }, body }));
    setMade({ name: key.name, secret, model: body.models?.[0] ?? 'chat' });
    await onMade();
  };
  return (
    <>
      <FormModal opened={opened} onClose={onClose} title={words.newKey} action={form.create} onSubmit={make} size="lg">
        <WhichFeature />
        <Group grow align="flex-end">
          <TextInput name="name" label={form.name} description={form.nameHint} />
          <TextInput name="models" label={form.models} description={form.modelsHint} />
        </Group>
        <Group grow align="flex-end">
          <NumberInput name="requests_per_minute" label={form.minute} min={1} />
          <NumberInput name="concurrency_max" label={form.together} min={1} />
        </Group>
        <Group grow align="flex-end">
          <TextInput name="usd" label={form.usd} inputMode="decimal" />
          <NativeSelect name="window" label={form.window} data={['day', 'week', 'month', 'total']} defaultValue="month" />
        </Group>
        <Group grow align="flex-end">
          <TextInput name="expires_at" type="datetime-local" label={form.expires} />
          <NativeSelect name="role" label={form.role} data={Object.entries(words.roles).map(([value, label]) => ({ value, label }))} />
        </Group>
        <TextInput name="allow_from" label={form.allow} description={form.allowHint} />
      </FormModal>
      <Modal opened={made !== null} onClose={() => setMade(null)} title={secretWords.title(made?.name ?? '')} size="lg" closeOnClickOutside={false} closeOnEscape={false} withCloseButton={false}>
        <Stack>
          <Alert color="yellow" variant="outline" title={secretWords.once} styles={{ title: { color: 'var(--legato-warn)' } }}><Text size="sm">{secretWords.hint}</Text></Alert>
          <Group wrap="nowrap" align="flex-start">
            <Code block flex={1} miw={0} tabIndex={0} data-testid="secret">{made?.secret ?? ''}</Code>
            <CopyButton text={made?.secret ?? ''} />
          </Group>
          <Text fw={600} size="sm">{words.call}</Text>
          <Snippet code={made ? callWith(server, made.secret, made.model) : ''} />
          <Button onClick={() => setMade(null)}>{secretWords.done}</Button>
        </Stack>
      </Modal>
    </>
  );
}
