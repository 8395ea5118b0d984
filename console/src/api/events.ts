/** One server-sent event. */
export interface ServerEvent {
  event: string;
  data: string;
  id?: string;
}

/** Read server-sent events from a body, however its bytes are split. */
export async function* parseEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let held = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      held += value;
      for (let end = blankLine(held); end; end = blankLine(held)) {
        const event = eventOf(held.slice(0, end.at));
        held = held.slice(end.next);
        if (event) yield event;
      }
    }
  } finally {
    reader.releaseLock();
  }
}

function blankLine(text: string): { at: number; next: number } | null {
  const found = /\r?\n\r?\n/.exec(text);
  return found ? { at: found.index, next: found.index + found[0].length } : null;
}

function eventOf(block: string): ServerEvent | null {
  const event: ServerEvent = { event: 'message', data: '' };
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, name, value] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (name === 'data') data.push(value ?? '');
    else if (name === 'event') event.event = value ?? '';
    else if (name === 'id') event.id = value ?? '';
  }
  if (data.length === 0) return null; // a comment that keeps the connection open
  return { ...event, data: data.join('\n') };
}
