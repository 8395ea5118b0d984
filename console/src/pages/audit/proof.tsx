import { Alert, Button, Group, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { answer, api } from '../../api/client';
import { keepFile } from '../../api/download';
import type { components } from '../../api/schema';
import { Facts } from '../../components/Facts';
import { Failure } from '../../components/states';
import { count } from '../../format';
import { audit as words } from '../../strings/audit';
import { type Proof, type Verdict, hexOf, verify } from './verify';

interface Proved {
  proof: Proof;
  key: string;
  verdict: Verdict;
}

async function prove(event: components['schemas']['AuditEvent']): Promise<Proved> {
  const [proof, key] = await Promise.all([
    answer(api.GET('/api/v1/audit/events/{index}/proof', { params: { path: { index: String(event.index) }, query: event.org === null ? {} : { org: event.org } } })),
    answer(api.GET('/api/v1/audit/key', { parseAs: 'text' })),
  ]);
  return { proof, key, verdict: await verify(proof, key) };
}

/** Computes in this browser whether an event is in the log that was signed. */
export function ProofOf({ event }: { event: components['schemas']['AuditEvent'] }) {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const [proved, setProved] = useState<Proved | null>(null);
  const run = async () => {
    setBusy(true);
    setProblem(null);
    try {
      setProved(await prove(event));
    } catch (refused) {
      setProblem(refused);
    } finally {
      setBusy(false);
    }
  };
  const keep = () => proved && keepFile(JSON.stringify({ key: proved.key.trim(), ...proved.proof }, null, 2), `audit-${event.index}.json`);
  return (
    <section aria-label={words.proof}>
      <Stack gap="xs">
        <Group gap="xs">
          <Title order={3}>{words.proof}</Title>
          <Button size="xs" loading={busy} onClick={() => void run()}>{words.verify}</Button>
          {proved && <Button size="xs" variant="default" onClick={keep}>{words.exportProof}</Button>}
        </Group>
        {problem !== null && <Failure problem={problem} />}
        {proved && <Told proof={proved.proof} verdict={proved.verdict} />}
      </Stack>
    </section>
  );
}

function Told({ proof, verdict }: Pick<Proved, 'proof' | 'verdict'>) {
  const sound = verdict.included && verdict.signed !== false;
  const colour = `var(--legato-${sound ? 'good' : 'bad'})`;
  return (
    <>
      <Alert color={sound ? 'teal' : 'red'} variant="outline" role="status" title={verdict.included ? words.included : words.missing} styles={{ title: { color: colour } }}>
        <Text size="sm">{words.how}</Text>
      </Alert>
      <Facts
        of={[
          [words.told.signature, verdict.signed === null ? words.unknown : verdict.signed ? words.signed : words.unsigned], [words.told.size, count(verdict.checkpoint.size)], [words.told.path, proof.proof.length],
          [words.told.leaf, <Mono key="leaf" text={verdict.leafHash} />], [words.told.root, <Mono key="root" text={hexOf(verdict.checkpoint.root)} />], [words.key, verdict.checkpoint.origin],
        ]}
      />
    </>
  );
}

const Mono = ({ text }: { text: string }) => <Text span inherit ff="monospace">{text}</Text>;
