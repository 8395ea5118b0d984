import { Alert, Button, Code, Group, Modal, Stack, Text } from '@mantine/core';
import { secret as words } from '../strings/secret';
import { CopyButton } from './CopyButton';

interface CopySecretOnceProps {
  /** The secret of a key or token that was just made; null closes. It is in no other answer. */
  secret: string | null;
  name: string;
  onDone: () => void;
}

/** Shows a secret that can't be shown again; it closes by its button alone. */
export function CopySecretOnce({ secret, name, onDone }: CopySecretOnceProps) {
  return (
    <Modal opened={secret !== null} onClose={onDone} title={words.title(name)} closeOnClickOutside={false} closeOnEscape={false} withCloseButton={false}>
      <Stack>
        <Alert color="yellow" variant="outline" title={words.once} styles={{ title: { color: 'var(--legato-warn)' } }}>
          <Text size="sm">{words.hint}</Text>
        </Alert>
        <Group wrap="nowrap" align="flex-start">
          <Code block flex={1} miw={0} tabIndex={0} data-testid="secret">{secret ?? ''}</Code>
          <CopyButton text={secret ?? ''} />
        </Group>
        <Button onClick={onDone}>{words.done}</Button>
      </Stack>
    </Modal>
  );
}
