import { Button, Text } from '@mantine/core';
import { common } from '../strings/common';
import { question as words } from '../strings/question';
import { JsonView } from './Inert';
import { JsonField, type Schema, SchemaForm } from './SchemaForm';

/** What a task asks somebody. */
export interface Question {
  ask: string;
  subject: string;
  body: string;
  data: unknown;
  form: Schema | null;
  options: { port: string; description: string }[];
}

export interface Ruling {
  verdict: 'approve' | 'reject' | 'edit' | 'choose' | 'fill';
  port?: string;
  data?: unknown;
}

/** With what an answer begins: what is shown, or an empty form. */
export const firstAnswer = (of: Question): unknown => of.data ?? (of.ask === 'form' ? {} : null);

/** What it is about: to be looked at, or to be edited or filled in. */
export function QuestionData({ of, value, onChange }: { of: Question; value: unknown; onChange: (value: unknown) => void }) {
  if (of.ask === 'edit' || of.ask === 'form') {
    const plain = value !== null && typeof value === 'object' && !Array.isArray(value);
    if (of.form?.properties && (plain || value === null)) return <SchemaForm schema={of.form} value={(value ?? {}) as Record<string, unknown>} onChange={onChange} />;
    return <JsonField label={words.data} value={value ?? undefined} text onChange={(next) => onChange(next ?? null)} />;
  }
  if (of.data === null || of.data === undefined) return null;
  return <div><Text size="sm" fw={600}>{words.data}</Text><JsonView value={of.data} label={words.data} /></div>;
}

/** The buttons of what may be said. */
export function Rulings({ of, value, busy, onRule }: { of: Question; value: unknown; busy: boolean; onRule: (ruling: Ruling) => void }) {
  const changed = JSON.stringify(value) !== JSON.stringify(of.data);
  const edited = of.ask === 'edit' && changed;
  return (
    <>
      {of.ask === 'choose' && of.options.map((one) => <Button key={one.port} title={one.description} loading={busy} onClick={() => onRule({ verdict: 'choose', port: one.port })}>{one.description || one.port || common.none}</Button>)}
      {of.ask === 'form' && <Button loading={busy} onClick={() => onRule({ verdict: 'fill', data: value })}>{words.fill}</Button>}
      {edited && <Button loading={busy} onClick={() => onRule({ verdict: 'edit', data: value })}>{words.approveEdited}</Button>}
      {(of.ask === 'approve' || (of.ask === 'edit' && !changed)) && <Button loading={busy} onClick={() => onRule({ verdict: 'approve' })}>{words.approve}</Button>}
      {(of.ask === 'approve' || of.ask === 'edit') && <Button color="red.9" loading={busy} onClick={() => onRule({ verdict: 'reject' })}>{words.reject}</Button>}
    </>
  );
}
