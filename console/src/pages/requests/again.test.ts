import { expect, test } from 'vitest';
import { bodyFor, textOf } from './again';

test('the words of an answer are found, whole or streamed', () => {
  expect(textOf({ answer: { choices: [{ message: { content: 'Hello' } }] }, stream_events: '' })).toBe('Hello');
  const frames = 'data: {"choices":[{"delta":{"content":"Hel"}}]}\n\ndata: {"choices":[{"delta":{"content":"lo"}}]}\n\ndata: [DONE]\n\n';
  expect(textOf({ answer: null, stream_events: frames })).toBe('Hello');
});

test('what is masked or broke off has no words', () => {
  expect(textOf({ answer: '[masked]', stream_events: '' })).toBeNull();
  expect(textOf({ answer: null, stream_events: '[masked]' })).toBeNull();
  expect(textOf({ answer: null, stream_events: 'data: {"choices":[{"delta":{"con' })).toBeNull();
});

test('another model is sent the same body, whole instead of streamed', () => {
  const request = { model: 'chat', messages: [], stream: true, stream_options: {}, temperature: 0 };
  expect(bodyFor(request, 'large')).toEqual({ model: 'large', messages: [], temperature: 0 });
  expect(bodyFor('[masked]', 'large')).toBeNull();
  expect(bodyFor({ input: 'an embedding' }, 'large')).toBeNull();
});
