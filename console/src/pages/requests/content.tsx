import { Stack, Text, Title } from '@mantine/core';
import { JsonView } from '../../components/Inert';
import { Empty, Shown, Snippet } from '../../components/states';
import { server } from '../../place';
import { requests as words } from '../../strings/requests';
import { useCapture } from './capture';

const CAPTURE = 'capture:\n  rules:\n    - {routes: [chat], retention_days: 7}';

/** Where each surface is called. */
const PATHS: Record<string, string> = {
  chat_completions: '/v1/chat/completions',
  messages: '/v1/messages',
  responses: '/v1/responses',
  embeddings: '/v1/embeddings',
};

/** What was said, where a rule keeps it: characters only, as the caller and the model wrote them. */
export function Content({ id }: { id: string }) {
  const kept = useCapture(id);
  return (
    <Shown of={kept}>
      {(capture) =>
        capture === null ? (
          <Empty title={words.content.none} call={CAPTURE}>{words.content.noneHint}</Empty>
        ) : (
          <Stack>
            <Title order={3}>{words.content.request}</Title>
            <JsonView value={capture.request} label={words.content.request} />
            <Title order={3}>{words.content.answer}</Title>
            <JsonView value={capture.answer ?? capture.stream_events} label={words.content.answer} />
            {PATHS[capture.head.surface] !== undefined && (
              <>
                <Title order={3}>{words.content.curl}</Title>
                <Text size="sm" c="dimmed">{words.content.curlHint}</Text>
                <Snippet code={again(PATHS[capture.head.surface] ?? '', capture.request)} />
              </>
            )}
          </Stack>
        )
      }
    </Shown>
  );
}

/** The same call for a shell: the body within single quotes, which nothing in it can leave. */
export function again(path: string, body: unknown): string {
  const quoted = JSON.stringify(body).replaceAll("'", `'\\''`);
  return `curl -s ${server}${path} \\\n  -H "authorization: Bearer $LEGATO_KEY" -H "content-type: application/json" \\\n  -d '${quoted}'`;
}
