import { NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { type ReactNode, useEffect, useState } from 'react';
import { useUrl } from '../url';
import classes from './Facts.module.css';

const TYPED_MS = 300;

export function Filters({ children, label }: { children: ReactNode; label: string }) {
  return <div className={classes.filters} role="group" aria-label={label}>{children}</div>;
}

interface Choice {
  value: string;
  label: string;
}

/** One of a few values, kept in the address; the first is none. */
export function ChoiceFilter({ name, label, choices }: { name: string; label: string; choices: Choice[] }) {
  const [search, change] = useUrl();
  return (
    <NativeSelect size="xs" label={label} data={choices} value={search[name] ?? ''} onChange={(event) => change({ [name]: event.currentTarget.value || undefined })} />
  );
}

/** A text, kept in the address once the typing rests. */
export function TextFilter({ name, label, placeholder = '' }: { name: string; label: string; placeholder?: string }) {
  const [search, change] = useUrl();
  const kept = search[name] ?? '';
  const [text, setText] = useState(kept);
  useEffect(() => setText(kept), [kept]);
  const keep = useDebouncedCallback((value: string) => change({ [name]: value.trim() || undefined }), TYPED_MS);
  return (
    <TextInput
      size="xs"
      label={label}
      placeholder={placeholder}
      value={text}
      spellCheck={false}
      onChange={(event) => {
        setText(event.currentTarget.value);
        keep(event.currentTarget.value);
      }}
    />
  );
}
