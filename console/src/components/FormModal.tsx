import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { type FormEvent, type ReactNode, useState } from 'react';
import { common } from '../strings/common';
import { Failure } from './states';

/** What the fields of a form hold, by their names; a box that isn't ticked is left out. */
export type Fields = Record<string, string>;

interface FormModalProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  about?: ReactNode;
  action: string;
  /** Told what the fields hold; what it throws is shown, and the form stays. */
  onSubmit: (fields: Fields) => Promise<unknown>;
  ready?: boolean;
  size?: string;
  children?: ReactNode;
}

/** A form over the page, with the server's own words where it refuses. */
export function FormModal({ opened, onClose, title, size, ...form }: FormModalProps) {
  return (
    <Modal opened={opened} onClose={onClose} title={title} size={size ?? 'md'}>
      <Form onClose={onClose} {...form} />
    </Modal>
  );
}

type FormProps = Pick<FormModalProps, 'onClose' | 'about' | 'action' | 'onSubmit' | 'ready' | 'children'>;

function Form({ onClose, about, action, onSubmit, ready = true, children }: FormProps) {
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entries = [...new FormData(event.currentTarget)].map(([name, value]) => [name, String(value).trim()]);
    setBusy(true);
    setProblem(null);
    try {
      await onSubmit(Object.fromEntries(entries) as Fields);
      onClose();
    } catch (refused) {
      setProblem(refused);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Stack gap="sm">
        {about !== undefined && <Text size="sm" c="dimmed" component="div">{about}</Text>}
        {children}
        {problem !== null && <Failure problem={problem} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{common.cancel}</Button>
          <Button type="submit" loading={busy} disabled={!ready}>{action}</Button>
        </Group>
      </Stack>
    </form>
  );
}
