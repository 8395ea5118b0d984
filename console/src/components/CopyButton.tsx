import { Button } from '@mantine/core';
import { useEffect, useState } from 'react';
import { common } from '../strings/common';

const TOLD_MS = 2_000;

/** Copies a text. Where the browser lets no page write its clipboard, it says so. */
export function CopyButton({ text, label = common.copy }: { text: string; label?: string }) {
  const [told, setTold] = useState<string | null>(null);
  useEffect(() => {
    if (told === null) return;
    const timer = setTimeout(() => setTold(null), TOLD_MS);
    return () => clearTimeout(timer);
  }, [told]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setTold(common.copied);
    } catch {
      setTold(common.copyByHand);
    }
  };
  return (
    <Button size="compact-sm" variant="default" onClick={() => void copy()} aria-live="polite" style={{ flexShrink: 0 }}>
      {told ?? label}
    </Button>
  );
}
