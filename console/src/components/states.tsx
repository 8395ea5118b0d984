import { Alert, Button, Code, Group, Skeleton, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { ApiError } from '../api/errors';
import { common } from '../strings/common';
import { CopyButton } from './CopyButton';

/** What a part of a page looks like before its data is there. */
export function Loading({ lines = 4, height = 18 }: { lines?: number; height?: number }) {
  return (
    <Stack gap="xs" role="status" aria-label={common.loading}>
      {Array.from({ length: lines }, (_, index) => (
        <Skeleton key={index} height={height} width={index === lines - 1 ? '60%' : '100%'} />
      ))}
    </Stack>
  );
}

interface EmptyProps {
  title?: string;
  children?: ReactNode;
  /** The very call that fills it, ready to paste. */
  call?: string;
  action?: ReactNode;
}

/** Nothing there: says why, and shows the call that changes it. */
export function Empty({ title = common.empty, children, call, action }: EmptyProps) {
  return (
    <Stack gap="xs" align="flex-start" p="md">
      <Text fw={600}>{title}</Text>
      {children !== undefined && <Text c="dimmed" size="sm" component="div">{children}</Text>}
      {call !== undefined && <Snippet code={call} />}
      {action}
    </Stack>
  );
}

/** Lines to paste, with a button that copies them. */
export function Snippet({ code, label = common.copy }: { code: string; label?: string }) {
  return (
    <Group gap="xs" align="flex-start" wrap="nowrap" w="100%">
      <Code block flex={1} tabIndex={0} miw={0} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>{code}</Code>
      <CopyButton text={code} label={label} />
    </Group>
  );
}

/** What went wrong in the server's words, with what to do about it. */
export function Failure({ problem, again }: { problem: unknown; again?: () => void }) {
  const told = problem instanceof ApiError ? problem : null;
  return (
    <Alert color="red" variant="outline" title={titleOf(told)} role="alert">
      <Stack gap={6}>
        <Text size="sm"><Marked text={problem instanceof Error ? problem.message : String(problem)} /></Text>
        {told?.field && <Text size="sm">{common.field}: {told.field}</Text>}
        {told?.remedy && <Text size="sm"><Marked text={told.remedy} /></Text>}
        {told?.requestId && <Text size="xs" c="dimmed">{common.requestId}: {told.requestId}</Text>}
        {again && <Button size="compact-sm" variant="default" onClick={again} w="fit-content">{common.again}</Button>}
      </Stack>
    </Alert>
  );
}

/** What one sent may be refused for itself; nothing had to be loaded then. */
const NOT_TAKEN = new Set([400, 409, 412, 413, 422]);

const titleOf = (told: ApiError | null) => (told?.status === 403 ? common.refused : told && NOT_TAKEN.has(told.status) ? common.notTaken : common.failed);

/** Words in which what stands between backticks is what somebody types. */
export function Marked({ text }: { text: string }) {
  return <>{text.split('`').map((part, index) => (index % 2 ? <Code key={index}>{part}</Code> : part))}</>;
}

interface Asked<T> {
  data: T | undefined;
  error: unknown;
  isPending: boolean;
  refetch: () => unknown;
}

/** Shows a query: skeleton, failure, or what was answered. */
export function Shown<T>({ of, children, loading }: { of: Asked<T>; children: (data: T) => ReactNode; loading?: ReactNode }) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  if (of.error) return <Failure problem={of.error} again={() => void of.refetch()} />;
  return <>{loading ?? <Loading />}</>;
}
