import { expect, test } from 'vitest';
import { type ServerEvent, parseEvents } from './events';

async function read(...pieces: string[]): Promise<ServerEvent[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
      controller.close();
    },
  });
  const events: ServerEvent[] = [];
  for await (const event of parseEvents(body)) events.push(event);
  return events;
}

test('events are read however their bytes are split', async () => {
  const text = 'retry: 2000\n\n: still here\n\nid: 7\nevent: changed\ndata: {"a":\ndata: 1}\n\n';
  const wanted = [{ id: '7', event: 'changed', data: '{"a":\n1}' }];
  expect(await read(text)).toEqual(wanted);
  expect(await read(...text)).toEqual(wanted);
  expect(await read(text.replaceAll('\n', '\r\n'))).toEqual(wanted);
});

test('an event that was cut off is no event', async () => {
  expect(await read('data: whole\n\ndata: ha')).toEqual([{ event: 'message', data: 'whole' }]);
});
