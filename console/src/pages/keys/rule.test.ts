import { expect, test } from 'vitest';
import { newRule, sayRule, sayWho } from './rule';

test('a rule has what was typed, and nothing of what was left empty', () => {
  const fields = { name: 'no-shell', org: 'default', teams: '', features: 'bot, chat', keys: '', models: '', deployments: '', regions: '', tools_allow: '', tools_deny: 'shell' };
  expect(newRule(fields)).toEqual({ name: 'no-shell', org: 'default', who: { features: ['bot', 'chat'] }, tools: { deny: ['shell'] } });
  expect(newRule({ ...fields, no_training: 'on', regions: 'eu' }).require).toEqual({ regions: ['eu'], no_training: true });
});

test('it is said in a line', () => {
  const rule = { name: 'n', who: { teams: ['health'], tags: { group: 'interns' } }, require: { regions: ['eu'], no_training: true } };
  expect(sayWho({ org: null, rule })).toBe('every organisation · Teams: health · Tags: group=interns');
  expect(sayRule(rule)).toBe('Regions: eu · only where nothing trains on it');
});
