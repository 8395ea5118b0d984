import { Button, Group, Popover, SegmentedControl, Stack, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { RANGES, RANGES_OF_DAYS, useRange } from '../range';
import { range as words } from '../strings/range';
import { useUrl } from '../url';

/** Chooses the range of a page; it stands in the address as `range`. `days`: whole days only. */
export function TimeRange({ days = false }: { days?: boolean }) {
  const { key } = useRange();
  const [, change] = useUrl();
  const custom = key.includes('..');
  const data = (days ? RANGES_OF_DAYS : RANGES).map((one) => ({ value: one, label: words.names[one] ?? one }));
  return (
    <Group gap="xs">
      <SegmentedControl size="xs" aria-label={words.label} data={data} value={custom ? '' : days && (key === '1h' || key === '24h') ? '1d' : key} onChange={(value) => change({ range: value })} />
      <CustomRange now={custom ? key : null} onChoose={(value) => change({ range: value })} />
    </Group>
  );
}

function CustomRange({ now, onChoose }: { now: string | null; onChoose: (range: string) => void }) {
  const [opened, setOpened] = useState(false);
  const [from = '', to = ''] = (now ?? '').split('..');
  const choose = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    onChoose(`${String(form.get('from'))}..${String(form.get('to'))}`);
    setOpened(false);
  };
  return (
    <Popover opened={opened} onChange={setOpened} trapFocus position="bottom-end">
      <Popover.Target>
        <Button size="compact-sm" variant={now ? 'light' : 'default'} onClick={() => setOpened(!opened)}>{now ?? words.custom}</Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form onSubmit={choose}>
          <Stack gap="xs">
            <TextInput type="date" name="from" label={words.from} defaultValue={from} required />
            <TextInput type="date" name="to" label={words.to} defaultValue={to} required />
            <Button type="submit" size="xs">{words.choose}</Button>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}
