import { expect, test } from 'vitest';
import { callWith, namesIn, newKey, placeOf } from './data';

test('a new key says only what was filled in', () => {
  expect(newKey({ feature_id: 'f1', name: '', models: ' ', requests_per_minute: '', usd: '', role: 'caller' })).toEqual({ feature_id: 'f1', role: 'caller' });
  expect(newKey({ feature_id: 'f1', models: 'chat, careful,', requests_per_minute: '60', usd: '5.25', window: 'day', expires_at: '2030-01-01T00:00:00Z' })).toEqual({
    feature_id: 'f1', role: 'caller', models: ['chat', 'careful'], requests_per_minute: 60, budget: { usd: '5.25', window: 'day' }, expires_at: '2030-01-01T00:00:00.000Z',
  });
});

test('places and names are written as one line', () => {
  expect(placeOf({ org: 'default', team: 'platform', feature: null })).toBe('default / platform');
  expect(namesIn(',')).toBeUndefined();
});

test('the call holds the secret and a body that is JSON', () => {
  const call = callWith('http://host', 'lg-1', 'chat');
  expect(call).toContain("Bearer lg-1'");
  expect(JSON.parse(/-d '(.*)'$/.exec(call)?.[1] ?? '')).toMatchObject({ model: 'chat' });
});
