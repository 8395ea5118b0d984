import { Button, Group, NativeSelect, Stack, Text, Textarea } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { type Columns, DataTable } from '../../components/DataTable';
import { State, type Tone } from '../../components/Facts';
import { Panel } from '../../components/Page';
import { Empty, Failure } from '../../components/states';
import { guardrails } from '../../strings/guardrails';
import { stretchesOf, wordsOf } from './marked';
import classes from './try.module.css';

type Schemas = components['schemas'];
type Hit = Schemas['PreviewHit'];
const words = guardrails.preview;
const TONES: Record<string, Tone> = { block: 'bad', redact: 'warn', route: 'warn', flag: 'plain', '': 'good', allow: 'good' };
const DRAFT = JSON.stringify({ rules: [{ name: 'people', detect: { labels: ['PERSON'] }, action: 'redact' }] }, null, 2);
const [FILE, OWN] = ['', ' draft']; // a name has no space

/** A text before policies, without a request. */
export function Try() {
  const [which, setWhich] = useState(FILE);
  const [wrong, setWrong] = useState(false);
  const kept = useQuery({ queryKey: ['registry', 'objects', 'all'], queryFn: () => answer(api.GET('/api/v1/registry/objects', { params: { query: { limit: 200 } } })), meta: { topics: ['registry'] } });
  const policies = (kept.data?.data ?? []).filter((one) => one.kind === 'guardrail');
  const look = useMutation({
    mutationFn: async (body: Schemas['PreviewAsked']) => ({ text: body.text, found: await answer(api.POST('/api/v1/guardrails/preview', { body })) }),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const spec = specIn(fields.get('spec'));
    setWrong(spec === null);
    if (spec === null) return;
    const policy = which === OWN ? '' : which;
    look.mutate({ text: String(fields.get('text')), place: String(fields.get('place')) as 'input', policy, ...(spec ? { spec } : {}) });
  };
  return (
    <Stack>
      <Panel title={guardrails.tabs.try}>
        <form onSubmit={submit}>
          <Stack gap="sm">
            <Text size="sm" c="dimmed">{words.about}</Text>
            <Textarea name="text" label={words.text} required autosize minRows={3} maxRows={14} maxLength={20_000} spellCheck={false} />
            <Group align="flex-end">
              <NativeSelect label={words.which} value={which} onChange={(event) => setWhich(event.currentTarget.value)} data={[{ value: FILE, label: words.ofFile }, ...policies.map(({ name }) => ({ value: name, label: words.of(name) })), { value: OWN, label: words.draft }]} />
              <NativeSelect name="place" label={words.place} data={Object.entries(words.places).map(([value, label]) => ({ value, label }))} />
              <Button type="submit" loading={look.isPending}>{words.run}</Button>
            </Group>
            {which === OWN && <Textarea name="spec" label={words.spec} required autosize minRows={5} maxRows={18} defaultValue={DRAFT} error={wrong && words.badJson} spellCheck={false} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} />}
          </Stack>
        </form>
      </Panel>
      {look.error && <Failure problem={look.error} />}
      {look.data && <Found {...look.data} />}
    </Stack>
  );
}

/** What was typed as a draft: undefined where none is, null where it is no JSON. */
function specIn(typed: FormDataEntryValue | null): Record<string, unknown> | undefined | null {
  if (typed === null) return undefined;
  try {
    return JSON.parse(String(typed)) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function Found({ text, found }: { text: string; found: Schemas['Preview'] }) {
  const said = words.columns;
  const columns: Columns<Hit> = [
    { header: said.words, id: 'words', accessorFn: (one) => wordsOf(text, one) },
    { header: said.label, accessorKey: 'label' },
    { header: said.action, id: 'action', cell: ({ row: { original: one } }) => <State tone={one.enforced ? (TONES[one.action] ?? 'plain') : 'plain'}>{one.enforced ? one.action : `${one.action}, ${words.shadow}`}</State> },
    { header: said.rule, accessorKey: 'rule' },
    { header: said.policy, accessorKey: 'policy' },
    { header: said.detector, accessorKey: 'detector' },
    { header: said.score, id: 'score', accessorFn: (one) => one.score.toFixed(2), meta: { right: true } },
  ];
  return (
    <Panel title={words.finds}>
      <Stack gap="sm">
        <Group gap="xs" role="status">
          <State tone={TONES[found.action] ?? 'plain'}>{words.outcomes[found.action] ?? found.action}</State>
          <Text size="sm" c="dimmed">{words.asked(found.policies.join(', ') || words.none)}</Text>
        </Group>
        <pre className="inert" role="region" aria-label={words.found}>
          {stretchesOf(text, found.hits).map((one, index) => (one.labels.length > 0 ? <mark key={index} className={classes.found} title={one.labels.join(', ')}>{one.text}</mark> : one.text))}
        </pre>
        <DataTable label={words.finds} columns={columns} rows={found.hits} idOf={(one) => [one.policy, one.rule, one.label, one.start, one.end].join('|')} empty={<Empty title={words.nothing} />} height={360} />
        {found.unasked.length > 0 && <Text size="sm">{words.unasked(found.unasked.join(', '))}</Text>}
      </Stack>
    </Panel>
  );
}
