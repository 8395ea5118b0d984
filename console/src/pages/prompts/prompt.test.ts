import { expect, test } from 'vitest';
import { messagesOf, needed, restOf, specOf, valuesOf } from './prompt';

const SPEC = { messages: [{ role: 'user', content: 'Greet {{name}}.' }], route: 'chat', variables: { name: { type: 'string' } } };

test('what is written comes out as it was read', () => {
  expect(specOf(messagesOf(SPEC) ?? [], SPEC.route, JSON.stringify(restOf(SPEC)))).toEqual(SPEC);
});

test.each(['{', '[]', '3', 'null'])('%s is no rest of a prompt', (rest) => {
  expect(specOf([], 'chat', rest)).toBeNull();
});

test('messages with parts are not for the form', () => {
  expect(messagesOf({ messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }] }] })).toBeNull();
});

test('texts are sent as they are, all else as JSON, and what is empty not at all', () => {
  const variables = { name: { type: 'string' }, times: { type: 'integer' }, orders: { type: 'list' }, tone: {} };
  expect(valuesOf(variables, { name: '12', times: '3', orders: '[{"n": 1}]', tone: '' })).toEqual({ name: '12', times: 3, orders: [{ n: 1 }] });
  expect(() => valuesOf(variables, { orders: '[' })).toThrow('orders');
});

test('a variable without a default is needed unless it says otherwise', () => {
  expect([needed({}), needed({ default: 'a' }), needed({ required: false })]).toEqual([true, false, false]);
});
