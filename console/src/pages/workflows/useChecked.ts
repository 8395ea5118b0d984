import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import type { Definition } from '../../flow/definition';

const WAIT_MS = 350;
const PLACE = /.*\bnodes\.([a-z][a-z0-9_]*)(?:[.]?(.*))?$/;

type Told = components['schemas']['Told'];

export interface OfNode {
  field: string;
  message: string;
}

/** Which node and field a place such as `nodes.ask.user` means. */
export function placed(found: Told[]): Map<string, OfNode[]> {
  const nodes = new Map<string, OfNode[]>();
  for (const one of found) {
    const [, node = '', field = ''] = PLACE.exec(one.place) ?? [];
    nodes.set(node, [...(nodes.get(node) ?? []), { field, message: node ? one.message : `${one.place}: ${one.message}` }]);
  }
  return nodes;
}

/** What the server says of the definition a moment after it was last changed. */
export function useChecked(definition: Definition) {
  const [asked] = useDebouncedValue(definition, WAIT_MS);
  const body = { definition: asked as never };
  const checked = useQuery({ queryKey: ['workflow-check', asked], queryFn: () => answer(api.POST('/api/v1/workflows/validate', { body })), placeholderData: (had) => had, staleTime: Number.POSITIVE_INFINITY, gcTime: 0 });
  const cost = useQuery({
    queryKey: ['workflow-cost', asked],
    queryFn: () => answer(api.POST('/api/v1/workflows/cost', { body: { definition: asked as never, workflow: '' } as never })),
    enabled: checked.data !== undefined && !checked.isPlaceholderData && checked.data.valid,
    placeholderData: (had) => had, staleTime: Number.POSITIVE_INFINITY, gcTime: 0, retry: false,
  });
  const problems = useMemo(() => placed(checked.data?.problems ?? []), [checked.data]);
  const hints = useMemo(() => placed(checked.data?.hints ?? []), [checked.data]);
  return { checked, problems, hints, cost: checked.data?.valid ? cost.data : undefined };
}
