import { Group, Paper, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useEffect, useId } from 'react';
import classes from './Page.module.css';

interface PageProps {
  title: string;
  /** One sentence under the title. */
  about?: string;
  /** On the right of the title: range, filters, the main act. */
  actions?: ReactNode;
  children: ReactNode;
}

/** The frame of every page: title, acts, content. */
export function Page({ title, about, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Legato`;
  }, [title]);
  return (
    <Stack gap="md">
      <Group justify="space-between" align="flex-end" gap="sm">
        <div>
          <Title order={1}>{title}</Title>
          {about !== undefined && <Text c="dimmed" size="sm">{about}</Text>}
        </div>
        {actions !== undefined && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

/** A part of a page with a heading of its own. */
export function Panel({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  const id = useId();
  return (
    <Paper component="section" withBorder p="md" aria-labelledby={id} bg="var(--legato-surface)">
      <Group justify="space-between" mb="sm" gap="xs">
        <Title order={2} id={id}>{title}</Title>
        {actions}
      </Group>
      {children}
    </Paper>
  );
}

/** One figure with its name. */
export function Figure({ name, children, hint }: { name: string; children: ReactNode; hint?: ReactNode }) {
  return (
    <Paper withBorder p="md" bg="var(--legato-surface)">
      <Text size="sm" c="dimmed">{name}</Text>
      <Text fz="1.5rem" fw={600} lh={1.3} className="figures" component="div">{children}</Text>
      {hint !== undefined && <Text size="sm" c="dimmed" component="div">{hint}</Text>}
    </Paper>
  );
}

/** As many columns as fit, each at least `min` pixels wide. */
export function Columns({ min, children }: { min: number; children: ReactNode }) {
  return <div className={classes.columns} style={{ gridTemplateColumns: `repeat(auto-fit, minmax(min(100%, ${min}px), 1fr))` }}>{children}</div>;
}
