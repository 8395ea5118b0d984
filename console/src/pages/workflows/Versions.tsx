import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { useMay } from '../../api/session';
import { Actor } from '../../components/Actor';
import { Failure, Shown } from '../../components/states';
import type { Definition } from '../../flow/definition';
import { type GraphDiff, diffOf } from '../../flow/diff';
import { moment } from '../../format';
import { builder as words } from '../../strings/builder';
import { canvas as canvasWords } from '../../strings/canvas';
import { useUrl } from '../../url';
import type { Editor } from './useEditor';

interface VersionsProps {
  editor: Editor;
  name: string;
  diff: GraphDiff | null;
  setDiff: (diff: GraphDiff | null) => void;
  setKept: (kept: Definition) => void;
}

/** What is kept: compared with what is drawn, taken over, made live. */
export function Versions({ editor, name, diff, setDiff, setKept }: VersionsProps) {
  const client = useQueryClient();
  const may = useMay()('registry:label:move');
  const [search, change] = useUrl();
  const [label, setLabel] = useState('production');
  const path = { kind: 'workflow', name };
  const versions = useQuery({ queryKey: ['workflow-versions', name], queryFn: async () => (await answer(api.GET('/api/v1/registry/objects/{kind}/{name}/versions', { params: { path, query: { limit: 50 } } }))).data, meta: { topics: ['registry'] }, retry: false });
  const object = useQuery({ queryKey: ['workflow-object', name], queryFn: () => answer(api.GET('/api/v1/registry/objects/{kind}/{name}', { params: { path } })), meta: { topics: ['registry'] }, retry: false, enabled: (versions.data?.length ?? 0) > 0 });
  const load = async (number: number) => (await answer(api.GET('/api/v1/registry/objects/{kind}/{name}/versions/{version}', { params: { path: { ...path, version: String(number) } } }))).spec as Definition;
  const compare = useMutation({ mutationFn: load, onSuccess: (spec, number) => { setDiff(diffOf(spec, editor.definition)); change({ against: String(number) }); } });
  const take = useMutation({ mutationFn: load, onSuccess: (spec, number) => { editor.replace(spec); if (number === versions.data?.[0]?.number) setKept(spec); } });
  const point = useMutation({
    mutationFn: (number: number) => answer(api.POST('/api/v1/registry/objects/{kind}/{name}/labels', { params: { path }, body: { label, version: String(number), reason: '' } as never })),
    onSuccess: () => client.invalidateQueries({ predicate: (one) => ['workflow-object', 'workflows'].includes(String(one.queryKey[0])) }),
  });
  const problem = compare.error ?? take.error ?? point.error;
  const labels = Object.entries(object.data?.labels ?? {});
  if (versions.error) return <Text size="sm" c="dimmed">{words.versions.none}</Text>;
  return (
    <Stack gap="sm">
      {diff && (
        <Stack gap={4}>
          <Group justify="space-between"><Text size="sm" fw={600}>{words.versions.against(Number(search.against ?? 0))}</Text><Button size="compact-xs" variant="default" onClick={() => { setDiff(null); change({ against: undefined }); }}>{words.versions.stop}</Button></Group>
          {diff.nodes.size === 0 && <Text size="sm">{words.versions.same}</Text>}
          {[...diff.nodes].map(([id, what]) => <Text key={id} size="sm"><b>{canvasWords.changes[what]}</b>: {id} {diff.fields.get(id)?.join(', ')}</Text>)}
        </Stack>
      )}
      {may && <TextInput label={words.versions.label} value={label} onChange={(event) => setLabel(event.currentTarget.value)} spellCheck={false} />}
      {problem && <Failure problem={problem} />}
      {point.data && <Text size="sm" role="status">{point.data.move?.state === 'pending' ? words.versions.waits : words.versions.moved}</Text>}
      <Shown of={versions}>
        {(found) => (
          <Stack gap="sm">
            {found.map((one) => (
              <div key={one.number}>
                <Text size="sm"><b>{one.number}</b> {moment(one.created_at)}, <Actor of={one.author} /> {labels.filter(([, number]) => number === one.number).map(([said]) => `· ${said}`).join(' ')}</Text>
                {one.reason && <Text size="sm" c="dimmed">{one.reason}</Text>}
                <Group gap="xs" mt={3}>
                  <Button size="compact-xs" variant="default" aria-label={`${words.versions.compare}: ${one.number}`} onClick={() => compare.mutate(one.number)}>{words.versions.compare}</Button>
                  <Button size="compact-xs" variant="default" aria-label={`${words.versions.open}: ${one.number}`} onClick={() => take.mutate(one.number)}>{words.versions.open}</Button>
                  {may && <Button size="compact-xs" variant="default" disabled={!label} aria-label={words.versions.point(label, one.number)} onClick={() => point.mutate(one.number)}>{words.versions.move}</Button>}
                </Group>
              </div>
            ))}
          </Stack>
        )}
      </Shown>
    </Stack>
  );
}
