import { answer, api } from '../../api/client';
import type { components } from '../../api/schema';
import { momentIn } from '../../format';

type Schemas = components['schemas'];
export type Key = Schemas['Key'];
export type Place = Schemas['Place'];
export type Account = Schemas['OneAccount'];

const PAGE = 100;
const query = (cursor: string | null) => ({ limit: PAGE, ...(cursor === null ? {} : { cursor }) });

export const read = {
  keys: (cursor: string | null) => answer(api.GET('/api/v1/keys', { params: { query: query(cursor) } })),
  organisations: (cursor: string | null) => answer(api.GET('/api/v1/organisations', { params: { query: query(cursor) } })),
  teams: (organisation_id: string) => (cursor: string | null) =>
    answer(api.GET('/api/v1/organisations/{organisation_id}/teams', { params: { path: { organisation_id }, query: query(cursor) } })),
  features: (team_id: string) => (cursor: string | null) =>
    answer(api.GET('/api/v1/teams/{team_id}/features', { params: { path: { team_id }, query: query(cursor) } })),
  accounts: (cursor: string | null) => answer(api.GET('/api/v1/accounts', { params: { query: query(cursor) } })),
};

/** Names separated by commas; undefined where there are none. */
export function namesIn(text: string | undefined): string[] | undefined {
  const names = (text ?? '').split(',').map((one) => one.trim()).filter(Boolean);
  return names.length ? names : undefined;
}

/** A whole number that was typed; undefined where the field is empty. */
export const wholeIn = (text: string | undefined) => (text ? Number.parseInt(text, 10) : undefined);

/** What the fields of a new key say. */
export function newKey(fields: Record<string, string>): Schemas['NewKey'] {
  const models = namesIn(fields.models);
  const networks = namesIn(fields.allow_from);
  const minute = wholeIn(fields.requests_per_minute);
  const together = wholeIn(fields.concurrency_max);
  const expires = momentIn(fields.expires_at);
  return {
    feature_id: fields.feature_id ?? '',
    ...(fields.name ? { name: fields.name } : {}),
    ...(models ? { models } : {}),
    ...(networks ? { allow_from: networks } : {}),
    ...(minute === undefined ? {} : { requests_per_minute: minute }),
    ...(together === undefined ? {} : { concurrency_max: together }),
    ...(expires ? { expires_at: expires } : {}),
    ...(fields.usd ? { budget: { usd: fields.usd, window: (fields.window ?? 'month') as 'month' } } : {}),
    role: (fields.role || 'caller') as 'caller',
  };
}

/** Where a key or a role reaches, as one line. */
export const placeOf = (one: { org: string; team?: string | null; feature?: string | null }) =>
  [one.org, one.team, one.feature].filter(Boolean).join(' / ');

/** A call with a key, ready to paste. */
export function callWith(server: string, secret: string, model: string): string {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }] });
  return `curl ${server}/v1/chat/completions \\\n  -H 'Authorization: Bearer ${secret}' \\\n  -H 'Content-Type: application/json' \\\n  -d '${body}'`;
}
