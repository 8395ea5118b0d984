import type { components } from '../../api/schema';
import { keys } from '../../strings/keys';
import { namesIn } from './data';

type Schemas = components['schemas'];
const words = keys.rules;

const kept = <T extends object>(fields: T): T | undefined => {
  const said = Object.entries(fields).filter(([, value]) => value !== undefined);
  return said.length > 0 ? (Object.fromEntries(said) as T) : undefined;
};

/** What the fields of a new rule say; what is empty is left out. */
export function newRule(fields: Record<string, string>): Schemas['NewAccessRule'] {
  const names = (name: string) => namesIn(fields[name]);
  const who = kept({ teams: names('teams'), features: names('features'), keys: names('keys') });
  const require = kept({ regions: names('regions'), no_training: fields.no_training === undefined ? undefined : true });
  const tools = kept({ allow: names('tools_allow'), deny: names('tools_deny') });
  const rule = { name: fields.name ?? '', org: fields.org ?? '', who, models: names('models'), deployments: names('deployments'), require, tools };
  return (kept(rule) ?? rule) as Schemas['NewAccessRule'];
}

/** Whom a rule means, in a line. */
export function sayWho({ org, rule: { who } }: Pick<Schemas['ShownRule'], 'org' | 'rule'>): string {
  const tags = Object.entries(who?.tags ?? {}).map(([name, value]) => `${name}=${value}`);
  const parts = [
    [words.orgs, who?.orgs], [words.teams, who?.teams], [words.features, who?.features], [words.keys, who?.keys], [words.tags, tags],
  ] as const;
  const said = parts.flatMap(([name, names]) => (names?.length ? [`${name}: ${names.join(', ')}`] : []));
  return [org === null || org === '*' ? words.everybody : org, ...said].join(' · ');
}

/** What a rule allows or asks for, in a line. */
export function sayRule({ models, deployments, require, tools }: Schemas['AccessRule']): string {
  const parts = [
    [words.models, models], [words.deployments, deployments], [words.regions, require?.regions], [words.certifications, require?.certifications], [words.allow, tools?.allow], [words.deny, tools?.deny],
  ] as const;
  const said = parts.flatMap(([name, names]) => (names?.length ? [`${name}: ${names.join(', ')}`] : []));
  if (require?.no_training) said.push(words.noTraining);
  if (require?.retention_days_max != null) said.push(words.retention(require.retention_days_max));
  return said.join(' · ');
}
