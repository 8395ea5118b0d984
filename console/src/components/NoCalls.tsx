import { Stack } from '@mantine/core';
import { server } from '../place';
import { common } from '../strings/common';
import { Panel } from './Page';
import { SampleOffer } from './SampleOffer';
import { Empty } from './states';

/** The first call of an application, ready to paste. */
export const FIRST_CALL = `curl -s ${server}/v1/chat/completions \\
  -H "authorization: Bearer $LEGATO_KEY" -H "content-type: application/json" \\
  -d '{"model": "chat", "messages": [{"role": "user", "content": "Hello"}]}'`;

/** Nothing was called yet, so there is nothing to show. */
export function NoCalls({ title }: { title: string }) {
  return (
    <Stack gap="md">
      <Panel title={title}><Empty title={common.firstCall} call={FIRST_CALL} /></Panel>
      <SampleOffer />
    </Stack>
  );
}
