import { Button, Checkbox, Group, Modal, NativeSelect, Stack, Text, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { useMay } from '../../api/session';
import { JsonField } from '../../components/SchemaForm';
import { Failure } from '../../components/states';
import { common } from '../../strings/common';
import { runs as words } from '../../strings/workflow-runs';
import { useUrl } from '../../url';
import { ENDED, type RunDetail } from './parts';

/** What can be done with a run now, by who may. */
export function Acts({ detail, nodes }: { detail: RunDetail; nodes: string[] }) {
  const { run } = detail;
  const may = useMay();
  const client = useQueryClient();
  const [open, setOpen] = useState<'cancel' | 'signal' | 'replay' | null>(null);
  const path = { params: { path: { run_id: run.id } } };
  const again = () => client.invalidateQueries({ queryKey: ['workflow-run', run.id] });
  const cancel = useMutation({ mutationFn: () => answer(api.POST('/api/v1/workflow-runs/{run_id}/cancel', path)), onSuccess: () => { setOpen(null); return again(); } });
  const resume = useMutation({ mutationFn: () => answer(api.POST('/api/v1/workflow-runs/{run_id}/resume', path)), onSuccess: again });
  const ended = ENDED.has(run.status);
  const whole = run.parent === '';
  return (
    <>
      {may('workflow:run:signal') && !ended && <Button variant="default" onClick={() => setOpen('signal')}>{words.signal}</Button>}
      {may('workflow:run:update') && whole && ['paused', 'failed', 'cancelled'].includes(run.status) && <Button variant="default" loading={resume.isPending} onClick={() => resume.mutate()}>{words.resume}</Button>}
      {may('workflow:run:update') && !ended && <Button variant="default" onClick={() => setOpen('cancel')}>{words.cancel}</Button>}
      {may('workflow:run:create') && whole && <Button onClick={() => setOpen('replay')}>{words.replay}</Button>}
      {resume.error && <Failure problem={resume.error} />}
      <Modal opened={open === 'cancel'} onClose={() => setOpen(null)} title={words.cancelTitle}>
        <Stack>
          {words.cancelWhat.map((one) => <Text key={one} size="sm">{one}</Text>)}
          {cancel.error && <Failure problem={cancel.error} />}
          <Group justify="flex-end">
            <Button variant="default" onClick={() => setOpen(null)}>{common.close}</Button>
            <Button color="red.9" loading={cancel.isPending} onClick={() => cancel.mutate()}>{words.cancel}</Button>
          </Group>
        </Stack>
      </Modal>
      {open === 'signal' && <Signal detail={detail} onClose={() => setOpen(null)} onSent={again} />}
      {open === 'replay' && <ReplayForm detail={detail} nodes={nodes} onClose={() => setOpen(null)} />}
    </>
  );
}

function Signal({ detail, onClose, onSent }: { detail: RunDetail; onClose: () => void; onSent: () => unknown }) {
  const waits = detail.waits.find((one) => one.event !== '');
  const [topic, setTopic] = useState(waits?.event ?? '');
  const [message, setMessage] = useState<unknown>(null);
  const send = useMutation({
    mutationFn: () => answer(api.POST('/api/v1/workflow-runs/{run_id}/signals', { params: { path: { run_id: detail.run.id } }, body: { topic, message: message ?? null } as never })),
    onSuccess: () => { onSent(); onClose(); },
  });
  return (
    <Modal opened onClose={onClose} title={words.signal}>
      <Stack>
        <TextInput label={words.topic} value={topic} onChange={(event) => setTopic(event.currentTarget.value)} data-autofocus />
        <JsonField label={words.message} value={message ?? undefined} text onChange={setMessage} />
        {send.error && <Failure problem={send.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{common.cancel}</Button>
          <Button disabled={!topic} loading={send.isPending} onClick={() => send.mutate()}>{words.send}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function ReplayForm({ detail, nodes, onClose }: { detail: RunDetail; nodes: string[]; onClose: () => void }) {
  const [search] = useUrl();
  const navigate = useNavigate();
  const [from, setFrom] = useState(search.node && nodes.includes(search.node) ? search.node : '');
  const [other, setOther] = useState(false);
  const [input, setInput] = useState<unknown>(detail.run.input);
  const replay = useMutation({
    mutationFn: () => answer(api.POST('/api/v1/workflow-runs/{run_id}/replay', { params: { path: { run_id: detail.run.id } }, body: { from_node: from, ...(other ? { input: input ?? null } : {}) } as never })),
    onSuccess: (run) => navigate({ to: `/workflow-runs/${run.id}` }),
  });
  return (
    <Modal opened onClose={onClose} title={words.replayTitle} size="lg">
      <Stack>
        <Text size="sm">{words.replayHint}</Text>
        <NativeSelect label={words.fromNode} value={from} data={[{ value: '', label: words.fromStart }, ...nodes]} onChange={(event) => setFrom(event.currentTarget.value)} />
        <Checkbox label={words.otherInput} checked={other} onChange={(event) => setOther(event.currentTarget.checked)} />
        {other && <JsonField label={words.input} value={input} onChange={setInput} />}
        {replay.error && <Failure problem={replay.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{common.cancel}</Button>
          <Button loading={replay.isPending} onClick={() => replay.mutate()}>{from ? words.replayFrom(from) : words.replay}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}
