import { Button, Group, Select, TextInput } from '@mantine/core';
import { type KeyboardEvent, useEffect, useState } from 'react';
import { requests as words } from '../../strings/requests';
import { waterfall } from '../../strings/waterfall';
import { useUrl } from '../../url';

/** What the address may narrow the list by, under the names of the control API. */
export const FILTERS = ['status', 'cache', 'model', 'deployment', 'team', 'feature', 'code', 'step'] as const;
type Filter = (typeof FILTERS)[number];

const CHOICES: Partial<Record<Filter, string[]>> = {
  status: ['ok', 'error', 'cancelled'],
  cache: ['hit', 'semantic', 'miss', 'bypass'],
  step: ['cache', 'shortening', 'routing', 'prompt_cache', 'tier', 'overhead'],
};

export function Filters() {
  const [search, change] = useUrl();
  const any = FILTERS.some((name) => search[name]);
  const clear = () => change(Object.fromEntries(FILTERS.map((name) => [name, undefined])));
  return (
    <Group gap="xs" align="flex-end" role="search" aria-label={words.filters.label}>
      {FILTERS.map((name) => {
        const choices = CHOICES[name];
        return choices ? (
          <Select key={name} size="xs" w={100} clearable label={words.filters[name]} data={choices.map((one) => ({ value: one, label: (name === 'step' && waterfall.steps[one]) || one }))} value={search[name] ?? null} onChange={(value) => change({ [name]: value ?? undefined })} />
        ) : (
          <Words key={name} name={name} value={search[name] ?? ''} onSay={(value) => change({ [name]: value || undefined })} />
        );
      })}
      {any && <Button size="xs" variant="default" onClick={clear}>{words.filters.clear}</Button>}
    </Group>
  );
}

/** Taken when one leaves it or presses Enter, not at every letter. */
function Words({ name, value, onSay }: { name: Filter; value: string; onSay: (value: string) => void }) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  const say = () => {
    if (typed.trim() !== value) onSay(typed.trim());
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter') say();
  };
  return <TextInput size="xs" w={128} label={words.filters[name]} value={typed} onChange={(event) => setTyped(event.currentTarget.value)} onBlur={say} onKeyDown={onKey} spellCheck={false} />;
}
