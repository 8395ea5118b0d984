import { Button, Group, Modal, Stack, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { useMay } from '../../api/session';
import { Failure } from '../../components/states';
import type { Definition } from '../../flow/definition';
import { builder as words } from '../../strings/builder';
import { common } from '../../strings/common';

interface SaveProps {
  name: string;
  definition: Definition;
  onClose: () => void;
  onSaved: () => void;
}

export function Save({ name, definition, onClose, onSaved }: SaveProps) {
  const [reason, setReason] = useState('');
  const [labels, setLabels] = useState('');
  const client = useQueryClient();
  const mayLabel = useMay()('registry:label:move');
  const save = useMutation({
    mutationFn: () => answer(api.POST('/api/v1/registry/objects/{kind}/{name}/versions', {
      params: { path: { kind: 'workflow', name } },
      body: { spec: definition as never, reason, labels: labels.split(',').map((one) => one.trim()).filter(Boolean) } as never,
    })),
    onSuccess: async () => {
      onSaved();
      onClose();
      await client.invalidateQueries({ predicate: (one) => ['workflows', 'workflow-versions', 'workflow-object'].includes(String(one.queryKey[0])) });
    },
  });
  return (
    <Modal opened onClose={onClose} title={words.saveTitle(name)}>
      <form onSubmit={(event) => { event.preventDefault(); save.mutate(); }}>
        <Stack>
          <TextInput label={words.reason} value={reason} onChange={(event) => setReason(event.currentTarget.value)} data-autofocus />
          {mayLabel && <TextInput label={words.labels} description={words.labelsHint} value={labels} onChange={(event) => setLabels(event.currentTarget.value)} spellCheck={false} />}
          {save.error && <Failure problem={save.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>{common.cancel}</Button>
            <Button type="submit" loading={save.isPending}>{words.save}</Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
