import { Text, Textarea } from '@mantine/core';
import { useDebouncedCallback, useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import type { Definition } from '../../flow/definition';
import { builder as words } from '../../strings/builder';
import type { Editor } from './useEditor';

const WAIT_MS = 400;

/** The definition as YAML, both ways; one reader and one writer, the server's. */
export function Yaml({ editor }: { editor: Editor }) {
  const [typed, setTyped] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [definition] = useDebouncedValue(editor.definition, WAIT_MS);
  const written = useQuery({
    queryKey: ['workflow-yaml', definition],
    queryFn: async () => (await answer(api.POST('/api/v1/workflows/export', { body: { format: 'yaml', definition: definition as never, workflow: '' } }))).text,
    placeholderData: (had) => had, retry: false, gcTime: 0, staleTime: Number.POSITIVE_INFINITY,
  });
  const read = useDebouncedCallback(async (text: string) => {
    const found = await answer(api.POST('/api/v1/workflows/read', { body: { text } }));
    const [first] = found.problems;
    setProblem(first ? [first.place, first.message].filter(Boolean).join(': ') : null);
    if (found.definition) editor.replace(found.definition as unknown as Definition, 'yaml');
  }, WAIT_MS);
  return (
    <div>
      <Textarea aria-label={words.yamlLabel} value={typed ?? written.data ?? ''} error={problem} spellCheck={false} autosize minRows={24} maxRows={32} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', whiteSpace: 'pre', overflowX: 'auto' } }}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          read(event.currentTarget.value);
        }}
        onBlur={() => problem === null && setTyped(null)} />
      <Text size="sm" c={written.error ? 'var(--legato-warn)' : 'dimmed'} mt={4}>{written.error ? words.yamlStale : words.yamlHint}</Text>
    </div>
  );
}
