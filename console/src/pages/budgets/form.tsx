import { Checkbox, Group, NativeSelect, TextInput } from '@mantine/core';
import { once } from '../../api/acts';
import { answer, api } from '../../api/client';
import { type Fields, FormModal } from '../../components/FormModal';
import { budgets as words } from '../../strings/budgets';
import { type Budget, measureOf, stepsIn } from './figures';

const form = words.form;
const WINDOWS = ['day', 'week', 'month', 'hour', 'minute', 'total'] as const;
const EACH = ['', 'team', 'feature', 'key', 'user', 'model'];

interface BudgetFormProps {
  opened: boolean;
  onClose: () => void;
  onDone: () => Promise<void>;
  /** What is changed; a new one where it is left out. */
  budget?: Budget;
}

/** Makes a budget, or changes one; whose it is stays. */
export function BudgetForm({ opened, onClose, onDone, budget }: BudgetFormProps) {
  const submit = async (fields: Fields) => {
    if (budget) await change(budget, fields);
    else await create(fields);
    await onDone();
  };
  const measure = budget ? measureOf(budget) : 'usd';
  return (
    <FormModal opened={opened} onClose={onClose} title={budget ? `${words.edit}: ${budget.name}` : words.new} action={budget ? words.save : words.create} onSubmit={submit}>
      <TextInput name="name" label={form.name} required defaultValue={budget?.name ?? ''} data-autofocus />
      {!budget && <Whose />}
      <Group grow align="flex-end">
        <NativeSelect name="measure" label={form.measure} data={Object.entries(words.units).map(([value, label]) => ({ value, label }))} defaultValue={measure} />
        <TextInput name="limit" label={form.limit} required inputMode="decimal" defaultValue={budget ? String(budget[measure] ?? '') : ''} />
        <NativeSelect name="window" label={form.window} data={budget?.window === 'rolling' ? ['rolling'] : [...WINDOWS]} defaultValue={budget?.window ?? 'month'} />
      </Group>
      {!budget && <TextInput name="warn" label={form.warn} description={form.warnHint} defaultValue="80" />}
      <Checkbox name="hard" label={form.hard} defaultChecked={budget?.hard ?? true} />
    </FormModal>
  );
}

function Whose() {
  return (
    <>
      <TextInput name="org" label={form.org} description={form.orgHint} defaultValue="default" required />
      <Group grow>
        <TextInput name="team" label={form.team} />
        <TextInput name="feature" label={form.feature} />
        <TextInput name="key" label={form.key} />
      </Group>
      <NativeSelect name="each" label={form.each} description={form.eachHint} data={EACH} />
    </>
  );
}

const amountIn = (fields: Fields) => ({ [fields.measure ?? 'usd']: fields.measure === 'usd' ? fields.limit : Number(fields.limit) });

function create(fields: Fields) {
  const where = Object.fromEntries(['team', 'feature', 'key'].flatMap((name) => (fields[name] ? [[name, fields[name]]] : [])));
  const body = {
    name: fields.name ?? '', org: fields.org || null, where, window: fields.window as 'month', hard: 'hard' in fields, steps: stepsIn(fields.warn),
    each: fields.each ? [fields.each] : [], rolling_s: 0, share_by: '', ...amountIn(fields),
  };
  return answer(api.POST('/api/v1/budgets', { params: { header: once() }, body }));
}

function change(budget: Budget, fields: Fields) {
  const body = { name: fields.name ?? '', window: fields.window as 'month', hard: 'hard' in fields, ...amountIn(fields) };
  const params = { path: { budget_id: budget.id }, header: { 'If-Match': `"${budget.version}"` } };
  return answer(api.PATCH('/api/v1/budgets/{budget_id}', { params, body }));
}
