import { Code, Collapse, List, Stack, Text, UnstyledButton } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { ApiError } from '../../api/errors';
import { economics as words } from '../../strings/economics';

/** Whether figures are missing because nothing was called yet. */
export const noCalls = (problem: unknown) => problem instanceof ApiError && problem.status === 400 && problem.field === 'days';

/** The queries that make the figures above, to be asked again by who doubts them. */
export function Queries({ of }: { of: string[] }) {
  const [opened, { toggle }] = useDisclosure(false);
  return (
    <Stack gap="xs" mt="sm">
      <UnstyledButton onClick={toggle} aria-expanded={opened} w="fit-content">
        <Text size="sm" td="underline">{words.queries} ({of.length})</Text>
      </UnstyledButton>
      <Collapse expanded={opened}>
        <Stack gap="xs">{of.map((one) => <Code block key={one} tabIndex={0}>{one}</Code>)}</Stack>
      </Collapse>
    </Stack>
  );
}

/** How figures were come by, a sentence each. */
export function Method({ of }: { of: string[] }) {
  return <List size="sm" spacing={4}>{of.map((one) => <List.Item key={one}>{one}</List.Item>)}</List>;
}
