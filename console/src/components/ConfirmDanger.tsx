import { Button, Group, List, Modal, Stack, Text, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { common } from '../strings/common';
import { danger } from '../strings/danger';
import { Failure } from './states';

interface ConfirmDangerProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  /** What it reaches, each a sentence: how many keys, which routes, what can't come back. */
  blastRadius: string[];
  /** What must be typed: the name of what goes. */
  name: string;
  action: string;
  onConfirm: () => Promise<unknown>;
}

/** Asks to type the name of what goes, beside what goes with it. For what can't be undone. */
export function ConfirmDanger(props: ConfirmDangerProps) {
  const { opened, onClose, title, blastRadius, name, action, onConfirm } = props;
  const [typed, setTyped] = useState('');
  const [problem, setProblem] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const close = () => {
    setTyped('');
    setProblem(null);
    onClose();
  };
  const confirm = async (event: FormEvent) => {
    event.preventDefault();
    if (typed !== name) return;
    setBusy(true);
    try {
      await onConfirm();
      close();
    } catch (refused) {
      setProblem(refused);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Modal opened={opened} onClose={close} title={title}>
      <form onSubmit={(event) => void confirm(event)}>
        <Stack>
          <List size="sm">{blastRadius.map((one) => <List.Item key={one}>{one}</List.Item>)}</List>
          <TextInput label={danger.type(name)} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} autoComplete="off" spellCheck={false} data-autofocus />
          {problem !== null && <Failure problem={problem} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={close}>{common.cancel}</Button>
            <Button type="submit" color="red.9" disabled={typed !== name} loading={busy}>{action}</Button>
          </Group>
          <Text className="only-spoken" role="status">{typed === name ? danger.armed : ''}</Text>
        </Stack>
      </form>
    </Modal>
  );
}
