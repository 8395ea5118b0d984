import { Button, ScrollArea, Stack } from '@mantine/core';
import { useState } from 'react';
import { common } from '../strings/common';

const SHOWN_MAX = 20_000;

/**
 * What a model or a caller wrote: characters, nothing else. No HTML, no Markdown, no links, no images,
 * so that nothing in it runs, loads or can be clicked.
 */
export function Inert({ text, label, height = 320 }: { text: string; label: string; height?: number }) {
  const [all, setAll] = useState(false);
  const shown = all ? text : text.slice(0, SHOWN_MAX);
  return (
    <Stack gap="xs">
      <ScrollArea.Autosize mah={height} type="auto" viewportProps={{ tabIndex: 0, 'aria-label': label, role: 'region' }}>
        <pre className="inert">{shown}</pre>
      </ScrollArea.Autosize>
      {shown.length < text.length && (
        <Button size="compact-sm" variant="default" onClick={() => setAll(true)} w="fit-content">{common.showAll}</Button>
      )}
    </Stack>
  );
}

/** JSON as text, indented. */
export function JsonView({ value, label, height }: { value: unknown; label: string; height?: number }) {
  return <Inert text={JSON.stringify(value, null, 2) ?? 'null'} label={label} {...(height === undefined ? {} : { height })} />;
}
