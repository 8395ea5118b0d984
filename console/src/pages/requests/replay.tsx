import { Autocomplete, Button, Checkbox, Group, List, PasswordInput, Stack, Text, Title } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { answer, api } from '../../api/client';
import { keyedModels } from '../../api/models-of-a-key';
import type { components } from '../../api/schema';
import { useMay } from '../../api/session';
import { Difference } from '../../components/Difference';
import { State, type Tone } from '../../components/Facts';
import { Empty, Failure, Shown } from '../../components/states';
import { duration } from '../../format';
import { exactly } from '../../money';
import { requests } from '../../strings/requests';
import { type Said, askAgain, bodyFor, textOf } from './again';
import { useCapture } from './capture';
import { Pairs } from './compare';
import type { RequestDetail } from './shape';

const words = requests.replay;
const TONES: Record<string, Tone> = { reproduced: 'good', different: 'bad', unreplayable: 'warn' };

/** The same request once more: decided by what was recorded, or asked of another model for real. */
export function Replay({ request }: { request: RequestDetail }) {
  const may = useMay();
  return (
    <Stack>
      <Decide id={request.request_id} />
      {may('captures:request:read') && <Ask request={request} />}
    </Stack>
  );
}

function Decide({ id }: { id: string }) {
  const may = useMay();
  const [now, setNow] = useState(false);
  const decide = useMutation({ mutationFn: () => answer(api.GET('/api/v1/requests/{request_id}/replay', { params: { path: { request_id: id }, query: { access_now: now } } })) });
  const found = decide.data;
  return (
    <section aria-label={words.decide}>
      <Title order={3}>{words.decide}</Title>
      <Text size="sm" c="dimmed" mb="xs">{words.decideHint}</Text>
      <Group>
        <Button size="xs" variant="default" loading={decide.isPending} onClick={() => decide.mutate()}>{words.decide}</Button>
        {may('control:access:read') && <Checkbox size="xs" label={words.accessNow} checked={now} onChange={(event) => { setNow(event.currentTarget.checked); decide.reset(); }} />}
      </Group>
      {decide.error && <Failure problem={decide.error} />}
      <div role="status">
        {found && (
          <Stack gap={4} mt="xs" align="flex-start">
            <State tone={TONES[found.verdict] ?? 'plain'}>{words.verdicts[found.verdict] ?? found.verdict}</State>
            {found.causes.length > 0 && <List size="sm">{found.causes.map((cause) => <List.Item key={cause}>{cause}</List.Item>)}</List>}
          </Stack>
        )}
      </div>
    </section>
  );
}

function Ask({ request }: { request: RequestDetail }) {
  const kept = useCapture(request.request_id);
  return (
    <section aria-label={words.ask}>
      <Title order={3}>{words.ask}</Title>
      <Shown of={kept}>
        {(capture) => {
          if (capture === null) return <Empty title={requests.content.none}>{requests.content.noneHint}</Empty>;
          if (capture.head.surface !== 'chat_completions' || bodyFor(capture.request, '') === null) return <Text size="sm" c="dimmed">{words.notThis}</Text>;
          return <AskOf request={request} capture={capture} />;
        }}
      </Shown>
    </section>
  );
}

function AskOf({ request, capture }: { request: RequestDetail; capture: components['schemas']['CapturedWhole'] }) {
  const [key, setKey] = useState('');
  const [model, setModel] = useState('');
  const models = useQuery(keyedModels(key));
  const ask = useMutation({ mutationFn: () => askAgain(capture.request, model.trim(), key) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask.mutate();
  };
  return (
    <Stack gap="xs">
      <Text size="sm" c="dimmed">{words.askHint}</Text>
      <form onSubmit={submit}>
        <Group align="flex-end" gap="xs">
          <PasswordInput size="xs" w={220} label={words.key} value={key} onChange={(event) => setKey(event.currentTarget.value.trim())} autoComplete="off" />
          <Autocomplete size="xs" w={220} label={words.model} data={models.data ?? []} value={model} onChange={setModel} disabled={key === ''} />
          <Button size="xs" type="submit" disabled={key === '' || model.trim() === ''} loading={ask.isPending}>{words.send}</Button>
        </Group>
      </form>
      {models.error && <Failure problem={models.error} />}
      {ask.error && <Failure problem={ask.error} />}
      {ask.data && <Beside request={request} before={textOf(capture) ?? ''} said={ask.data} />}
    </Stack>
  );
}

/** What was answered then and now. */
function Beside({ request, before, said }: { request: RequestDetail; before: string; said: Said }) {
  const usd = (amount: string | null) => (amount === null || amount === '' ? '' : exactly(amount));
  const { facts } = words;
  return (
    <Stack gap="xs" role="region" aria-label={words.result}>
      <Pairs
        label={words.result}
        names={[words.then, words.now]}
        rows={[
          [facts.model, request.model_requested, said.asked],
          [facts.served, request.model_served, said.model],
          [facts.cost, usd(request.cost_usd), usd(said.costUsd)],
          [facts.time, duration(request.total_us), duration(said.ms * 1_000)],
          [facts.length, String(before.length), String(said.text.length)],
          [facts.request, request.request_id, said.requestId],
        ]}
      />
      {request.attempts === 0 && <Text size="sm" c="dimmed">{words.fromCache}</Text>}
      <Text size="sm" fw={600}>{words.answers}</Text>
      <Difference before={before} after={said.text} label={words.answers} />
    </Stack>
  );
}
