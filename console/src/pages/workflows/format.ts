import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../../api/client';
import type { Schema } from '../../components/SchemaForm';
import type { Definition } from '../../flow/definition';

export interface Format {
  parts: Record<string, Schema>;
  kinds: Record<string, string>;
  templates: Record<string, string[]>;
  functions: string[];
  loops: string[];
  patterns: { name: string; title: string; description: string; definition: Definition }[];
}

/** The format of definitions; it is the program's own and doesn't change while it runs. */
export const useFormat = () =>
  useQuery({ queryKey: ['workflow-format'], queryFn: () => answer(api.GET('/api/v1/workflows/format')) as unknown as Promise<Format>, staleTime: Number.POSITIVE_INFINITY });
