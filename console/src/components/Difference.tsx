import { ScrollArea, Text } from '@mantine/core';
import { useMemo } from 'react';
import { difference as words } from '../strings/difference';
import classes from './Difference.module.css';
import { differenceOf } from './difference';

/** What differs between two texts: struck through what is gone, underlined what is new. Characters only. */
export function Difference({ before, after, label, height = 320 }: { before: string; after: string; label: string; height?: number }) {
  const parts = useMemo(() => differenceOf(before, after), [before, after]);
  if (before === after) return <Text size="sm" c="dimmed">{words.same}</Text>;
  return (
    <ScrollArea.Autosize mah={height} type="auto" viewportProps={{ tabIndex: 0, 'aria-label': label, role: 'region' }}>
      <pre className="inert">
        {parts.map((part, index) => (part.kind === 'same' ? part.text : part.kind === 'gone' ? <del key={index} className={classes.gone}>{part.text}</del> : <ins key={index} className={classes.new}>{part.text}</ins>))}
      </pre>
    </ScrollArea.Autosize>
  );
}
