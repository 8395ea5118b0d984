import { useQuery } from '@tanstack/react-query';
import { answer, api } from './client';
import { useMay } from './session';

const SHOWN_MAX = 100;
const ID = /\b(?:(account|key)[: ])?([0-9a-f]{32})\b/g;
const SHORT = 8;

/** An actor by e-mail or name in place of its id; the end of an id that nobody knows a name for. */
export function named(text: string, names: ReadonlyMap<string, string>): string {
  return text.replace(ID, (_, kind: string | undefined, id: string) => names.get(id) ?? `${kind ? `${kind} ` : ''}…${id.slice(-SHORT)}`);
}

/** Tells actors as people know them. Accounts and keys are asked for once in a tab, by who may read them. */
export function useNames(): (actor: string) => string {
  const may = useMay();
  const query = { limit: SHOWN_MAX };
  const once = { staleTime: Number.POSITIVE_INFINITY, retry: false };
  const accounts = useQuery({ ...once, queryKey: ['names', 'accounts'], queryFn: () => answer(api.GET('/api/v1/accounts', { params: { query } })), enabled: may('control:account:read') });
  const keys = useQuery({ ...once, queryKey: ['names', 'keys'], queryFn: () => answer(api.GET('/api/v1/keys', { params: { query } })), enabled: may('control:key:read') });
  const names = new Map([
    ...(accounts.data?.data ?? []).map((one): [string, string] => [one.id, one.email || one.name]),
    ...(keys.data?.data ?? []).map((one): [string, string] => [one.id, one.name]),
  ]);
  return (actor) => named(actor, names);
}
