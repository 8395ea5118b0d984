import { Kbd, Modal, Table } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useSession } from '../api/session';
import { pagesFor } from '../navigation';
import { shell as words } from '../strings/shell';

const WAIT_MS = 1_500;
const WRITING = 'input, textarea, select, [contenteditable], [role="dialog"] *';

/** `?` shows the list; `g` and a letter goes to the page that begins with it. */
export function Shortcuts({ opened, onChange }: { opened: boolean; onChange: (opened: boolean) => void }) {
  useGoing(() => onChange(true));
  return (
    <Modal opened={opened} onClose={() => onChange(false)} title={words.shortcuts.title}>
      <Table>
        <Table.Tbody>
          {words.shortcuts.rows.map(([keys, does]) => (
            <Table.Tr key={keys}>
              <Table.Td><Kbd>{keys}</Kbd></Table.Td>
              <Table.Td>{does}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}

function useGoing(onHelp: () => void) {
  const navigate = useNavigate();
  const { data } = useSession();
  const at = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target instanceof Element && event.target.closest(WRITING)) return;
      if (event.key === '?') {
        onHelp(); // wherever a keyboard has it
      } else if (event.key === 'g') {
        at.current = event.timeStamp;
      } else if (event.timeStamp - at.current < WAIT_MS) {
        at.current = Number.NEGATIVE_INFINITY;
        const page = pagesFor(data?.me.permissions ?? []).find((one) => one.title.toLowerCase().startsWith(event.key.toLowerCase()));
        if (page) void navigate({ to: page.path as never });
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [data, navigate, onHelp]);
}
