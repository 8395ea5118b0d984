import { expect, test } from 'vitest';
import { type Asked, NOTHING, bodyOf, curlOf, filled, grown, promptOf, variablesOf } from './asking';

const ASKED: Asked = {
  models: ['chat'], system: '', prompt: "What's {{ city }} like in {{season}}?", values: { city: 'Bern' },
  tools: '', schema: '', maxTokens: null, temperature: null, fresh: false,
};

test('words in double braces are fields, and one without a value stays', () => {
  expect(variablesOf(ASKED.prompt, '{{city}}')).toEqual(['city', 'season']);
  expect(filled(ASKED.prompt, ASKED.values)).toBe("What's Bern like in {{season}}?");
});

test('JSON typed wrong is named by its field', () => {
  expect(() => bodyOf({ ...ASKED, schema: '{' }, 'chat')).toThrow('schema');
  expect(bodyOf({ ...ASKED, schema: '{"type":"object"}' }, 'chat')).toHaveProperty('response_format.json_schema.schema.type', 'object');
});

test('kept as a prompt its variables stay open, and what they were is its test', () => {
  const kept = promptOf({ ...ASKED, maxTokens: 20, schema: '{"type":"object"}' });
  expect(kept.messages).toEqual([{ role: 'user', content: ASKED.prompt }]);
  expect(kept).toMatchObject({ route: 'chat', variables: { city: { type: 'string' }, season: { type: 'string' } }, parameters: { max_tokens: 20 }, output_schema: { type: 'object' } });
  expect(kept.tests).toMatchObject([{ variables: { city: 'Bern', season: '' }, expect: { json: true } }]);
});

test('a quote in the prompt stays one in a shell', () => {
  expect(curlOf(ASKED, 'chat')).toContain(`What'\\''s Bern`);
});

test('text and pieces of tool calls add up, and the first of them is timed', () => {
  const piece = (name: string | undefined, args: string) => ({ choices: [{ delta: { tool_calls: [{ index: 0, function: { ...(name && { name }), arguments: args } }] } }] });
  const first = { ...NOTHING, ...grown(NOTHING, piece('look_up', '{"a'), 12) };
  const second = { ...first, ...grown(first, piece(undefined, '":1}'), 20) };
  expect(second.calls).toEqual([{ name: 'look_up', args: '{"a":1}' }]);
  expect(second.firstMs).toBe(12);
});
