import { Text, Textarea } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, useId, useRef, useState } from 'react';
import { answer, api } from '../api/client';
import { wordAt } from '../flow/reach';
import { schemaForm as words } from '../strings/schema-form';
import classes from './SchemaForm.module.css';

/** What expressions see where they stand. */
export interface Reach {
  names: readonly string[];
  functions: readonly string[];
  /** Sample values, by which what is typed is worked out; null: none are there. */
  values: Record<string, unknown> | null;
}

interface ExpressionFieldProps {
  label: string;
  description?: string | undefined;
  error?: string | undefined;
  withAsterisk?: boolean;
  value: string;
  /** The whole text is an expression; else expressions stand in `${…}`. */
  whole: boolean;
  reach: Reach;
  onChange: (value: string) => void;
  onLeave?: () => void;
  /** The data that the text stands for, where it isn't the text itself. */
  data?: unknown;
}

const SHOWN_MAX = 12;
const WAIT_MS = 350;

/** A text with expressions: names are completed while typing, and what it comes to is shown beneath. */
export function ExpressionField({ value, whole, reach, onChange, onLeave, data, ...common }: ExpressionFieldProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const list = useId();
  const [caret, setCaret] = useState<number | null>(null);
  const [active, setActive] = useState(0);
  const at = caret === null ? null : wordAt(value, caret, whole);
  const options = at && at.word ? [...reach.names, ...reach.functions.map((one) => `${one}(`)].filter((one) => one.startsWith(at.word) && one !== at.word).slice(0, SHOWN_MAX) : [];
  const opened = options.length > 0;

  const take = (option: string) => {
    if (!at || caret === null) return;
    onChange(value.slice(0, at.from) + option + value.slice(caret));
    const next = at.from + option.length;
    setCaret(null);
    requestAnimationFrame(() => field.current?.setSelectionRange(next, next));
  };
  const onKey = (event: KeyboardEvent) => {
    if (!opened) return;
    if (event.key === 'ArrowDown') setActive((active + 1) % options.length);
    else if (event.key === 'ArrowUp') setActive((active + options.length - 1) % options.length);
    else if ((event.key === 'Enter' || event.key === 'Tab') && options[active]) take(options[active]);
    else if (event.key === 'Escape') setCaret(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div style={{ position: 'relative' }}>
      <Textarea {...common} ref={field} value={value} autosize minRows={whole ? 1 : 2} maxRows={12} spellCheck={false} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        role="combobox" aria-expanded={opened} aria-controls={opened ? list : undefined} aria-autocomplete="list" aria-activedescendant={opened ? `${list}-${active}` : undefined}
        onChange={(event) => {
          onChange(event.currentTarget.value);
          setCaret(event.currentTarget.selectionStart);
          setActive(0);
        }}
        onKeyDown={onKey}
        onBlur={() => {
          setCaret(null);
          onLeave?.();
        }} />
      {opened && (
        <ul id={list} role="listbox" aria-label={words.suggestions} className={classes.list}>
          {options.map((option, index) => (
            <li key={option} id={`${list}-${index}`} role="option" aria-selected={index === active} onMouseDown={(event) => { event.preventDefault(); take(option); }}>{option}</li>
          ))}
        </ul>
      )}
      {reach.values && value.trim() !== '' && (whole || value.includes('${')) && <Sample source={data ?? value} whole={whole} values={reach.values} />}
    </div>
  );
}

function Sample({ source, whole, values }: { source: unknown; whole: boolean; values: Record<string, unknown> }) {
  const [asked] = useDebouncedValue(JSON.stringify({ source, form: whole ? 'expression' : 'template', values }), WAIT_MS);
  const found = useQuery({
    queryKey: ['tried', asked],
    queryFn: () => answer(api.POST('/api/v1/workflows/evaluate', { body: JSON.parse(asked) as never })),
    placeholderData: (had) => had,
  });
  if (!found.data) return null;
  const { value, problem } = found.data as { value: unknown; problem: string | null };
  const shown = problem ?? (typeof value === 'string' ? value : JSON.stringify(value));
  return <Text size="xs" mt={3} c={problem === null ? 'var(--legato-good)' : 'var(--legato-warn)'} style={{ overflowWrap: 'anywhere' }} lineClamp={3}>{problem === null ? `${words.comesTo}: ${shown}` : shown}</Text>;
}
