import { Drawer, Stack } from '@mantine/core';
import type { ReactNode } from 'react';

/** What a row opens, at the right of its list. */
export function Details({ opened, title, onClose, children, size = 560 }: { opened: boolean; title: ReactNode; onClose: () => void; children: ReactNode; size?: number }) {
  return (
    <Drawer opened={opened} onClose={onClose} title={title} size={size}>
      <Stack>{children}</Stack>
    </Drawer>
  );
}
