import { expect, test } from 'vitest';
import { again } from './content';

test('nothing in a body leaves the quotes of the shell', () => {
  const call = again('/v1/messages', { content: "it's $(rm -rf /) `id`" });
  expect(call).toContain(`/v1/messages`);
  expect(call).toContain(String.raw`-d '{"content":"it'\''s $(rm -rf /) ` + '`id`');
});
