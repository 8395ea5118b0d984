import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { answer, api } from './client';
import { credentials } from './credentials';
import { ApiError } from './errors';
import type { components } from './schema';

export type Me = components['schemas']['Me'];

export interface SignedIn {
  me: Me;
  email: string | null;
  /** The provider by which they signed in; null for a password or a key. */
  provider: string | null;
  expiresAt: string | null;
}

const KEY = ['session'] as const;

/** Who this tab speaks for; null where nobody is signed in. Throws ApiError for anything else. */
async function whoAmI(): Promise<SignedIn | null> {
  try {
    const me = await answer(api.GET('/api/v1/me'));
    if (credentials.byKey) return { me, email: null, provider: null, expiresAt: me.expires_at ?? null };
    const session = await answer(api.GET('/api/v1/session'));
    credentials.useSession(session.csrf_token);
    return { me, email: session.account.email, provider: session.provider, expiresAt: session.expires_at };
  } catch (problem) {
    if (problem instanceof ApiError && problem.status === 401) return null;
    throw problem;
  }
}

/** Who is signed in; asked once, and again when the server refuses a call. */
export function useSession() {
  const client = useQueryClient();
  useEffect(
    () =>
      credentials.onRefused(() => {
        if (client.getQueryData(KEY)) client.setQueryData(KEY, null);
      }),
    [client],
  );
  return useQuery({ queryKey: KEY, queryFn: whoAmI, staleTime: Number.POSITIVE_INFINITY, retry: false });
}

/** Who is signed in, where somebody is. */
export function useMe(): Me {
  const { data } = useSession();
  if (!data) throw new Error('a page was shown before anybody signed in');
  return data.me;
}

/** Whether the caller may do something; what they may not is left out rather than refused later. */
export function useMay(): (permission: string) => boolean {
  const held = new Set<string>(useMe().permissions);
  return (permission) => held.has(permission);
}

export function useSigning() {
  const client = useQueryClient();
  const renew = async () => {
    await client.resetQueries();
  };
  return {
    /** Ask anew for all there is: who is signed in may something else now. */
    renew,
    /** Sign in; `first` is done before the page they were on gives way to theirs. */
    async byPassword(email: string, password: string, first?: () => Promise<unknown>): Promise<void> {
      credentials.forget();
      const session = await answer(api.POST('/api/v1/login', { body: { email, password } }));
      credentials.useSession(session.csrf_token);
      await first?.();
      await renew();
    },
    /** Keep a key for this tab, if it is one. Throws ApiError. */
    async byKey(key: string): Promise<void> {
      credentials.useKey(key);
      try {
        await answer(api.GET('/api/v1/me'));
      } catch (problem) {
        credentials.forget();
        throw problem;
      }
      await renew();
    },
    /** End the session; returns where to sign out of the provider as well, if there is such a place. */
    async out(): Promise<string | null> {
      const ended = credentials.byKey ? null : await answer(api.POST('/api/v1/logout'));
      credentials.forget();
      client.setQueryData(KEY, null);
      client.removeQueries({ predicate: (query) => query.queryKey[0] !== KEY[0] }); // it was this person's
      return ended?.provider_url ?? null;
    },
  };
}
