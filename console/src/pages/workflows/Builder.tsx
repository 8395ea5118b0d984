import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { ApiError } from '../../api/errors';
import { Page } from '../../components/Page';
import { Empty, Failure, Loading } from '../../components/states';
import type { Definition } from '../../flow/definition';
import { builder as words } from '../../strings/builder';
import { draftOf } from './drafts';
import { Editor } from './Editor';
import { useFormat } from './format';

/** Opens a workflow on the canvas: its newest version, or what was begun and isn't kept yet. */
export default function Builder({ name }: { name: string }) {
  const [draft] = useState(() => draftOf(name));
  const format = useFormat();
  const versions = useQuery({
    queryKey: ['workflow-versions', name],
    queryFn: async () => {
      try {
        return (await answer(api.GET('/api/v1/registry/objects/{kind}/{name}/versions', { params: { path: { kind: 'workflow', name }, query: { limit: 50 } } }))).data;
      } catch (problem) {
        if (problem instanceof ApiError && problem.status === 404) return [];
        throw problem;
      }
    },
    enabled: draft === undefined,
    meta: { topics: ['registry'] },
  });
  const newest = versions.data?.[0]?.number;
  const opened = useQuery({
    queryKey: ['workflow-version', name, newest],
    queryFn: () => answer(api.GET('/api/v1/registry/objects/{kind}/{name}/versions/{version}', { params: { path: { kind: 'workflow', name, version: String(newest) } } })),
    enabled: draft === undefined && newest !== undefined,
    placeholderData: (had) => had, // a newer version doesn't take away what is being drawn
    staleTime: Number.POSITIVE_INFINITY,
  });
  const definition = draft ?? (opened.data?.spec as Definition | undefined);
  const problem = versions.error ?? opened.error ?? format.error;
  if (problem) return <Page title={name}><Failure problem={problem} /></Page>;
  if (draft === undefined && versions.data?.length === 0) return <Page title={name}><Empty title={words.notFound}>{words.notFoundHint}</Empty></Page>;
  if (!definition || !format.data) return <Page title={name}><Loading lines={10} /></Page>;
  return <Editor name={name} first={definition} saved={draft === undefined} format={format.data} />;
}
