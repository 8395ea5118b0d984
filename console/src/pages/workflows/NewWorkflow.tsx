import { Button, FileButton, Group, Modal, NativeSelect, Stack, Text, TextInput, Textarea } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { answer, api } from '../../api/client';
import { Failure, Shown } from '../../components/states';
import type { Definition } from '../../flow/definition';
import { common } from '../../strings/common';
import { workflows as words } from '../../strings/workflows';
import { leaveDraft } from './drafts';
import { type Format, useFormat } from './format';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;
const EMPTY = '';
const IMPORT = ' import';

/** What a new workflow is called, and what it begins with. */
export function NewWorkflow({ onClose }: { onClose: () => void }) {
  const format = useFormat();
  return (
    <Modal opened onClose={onClose} title={words.create} size="lg">
      <Shown of={format}>{(found) => <Begin format={found} onClose={onClose} />}</Shown>
    </Modal>
  );
}

function Begin({ format, onClose }: { format: Format; onClose: () => void }) {
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [from, setFrom] = useState(EMPTY);
  const [model, setModel] = useState('');
  const [text, setText] = useState('');
  const pattern = format.patterns.find((one) => one.name === from);
  const open = useMutation({
    mutationFn: async () => {
      if (from === EMPTY) return { nodes: [{ id: 'begin', kind: 'set', value: '${input}' }] } as Definition;
      if (pattern) return withModel(pattern.definition, model);
      const read = await answer(api.POST('/api/v1/workflows/read', { body: { text } }));
      const [problem] = read.problems;
      if (!read.definition) throw new Error(problem ? `${problem.place}: ${problem.message}` : words.form.text);
      return read.definition as unknown as Definition;
    },
    onSuccess: (definition) => {
      leaveDraft(name, definition);
      void navigate({ to: `/workflows/${name}` });
    },
  });
  const bad = name !== '' && !NAME.test(name);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (NAME.test(name)) open.mutate();
  };
  const options = [{ value: EMPTY, label: words.form.empty }, ...format.patterns.map((one) => ({ value: one.name, label: one.title })), { value: IMPORT, label: words.form.importing }];
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput label={words.form.name} description={words.form.nameHint} error={bad && words.form.badName} value={name} onChange={(event) => setName(event.currentTarget.value)} withAsterisk data-autofocus autoComplete="off" spellCheck={false} />
        <NativeSelect label={words.form.from} data={options} value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
        <Text size="sm" c="dimmed">{pattern?.description ?? (from === IMPORT ? words.form.importHint : words.form.emptyHint)}</Text>
        {pattern && <TextInput label={words.form.model} description={words.form.modelHint} value={model} onChange={(event) => setModel(event.currentTarget.value)} spellCheck={false} autoComplete="off" />}
        {from === IMPORT && (
          <>
            <Textarea label={words.form.text} value={text} onChange={(event) => setText(event.currentTarget.value)} minRows={8} maxRows={16} autosize spellCheck={false} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} />
            <FileButton accept=".yaml,.yml,.json" onChange={(file) => void file?.text().then(setText)}>{(props) => <Button {...props} variant="default" w="fit-content">{words.form.file}</Button>}</FileButton>
          </>
        )}
        {open.error && <Failure problem={open.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{common.cancel}</Button>
          <Button type="submit" disabled={!NAME.test(name)} loading={open.isPending}>{words.form.open}</Button>
        </Group>
      </Stack>
    </form>
  );
}

/** A pattern with its model named: they call it `default`. */
export function withModel(definition: Definition, model: string): Definition {
  if (!model) return definition;
  const named = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(named);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, name === 'model' && one === 'default' ? model : named(one)]));
  };
  return named(definition) as Definition;
}
