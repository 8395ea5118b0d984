import { Button, Checkbox, Group, NativeSelect, NumberInput, Stack, Text, TextInput, Textarea } from '@mantine/core';
import { type ReactNode, createContext, useContext, useState } from 'react';
import { schemaForm as words } from '../strings/schema-form';
import { ExpressionField, type Reach } from './ExpressionField';
import classes from './SchemaForm.module.css';

export interface Schema {
  $ref?: string;
  type?: string | string[];
  title?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  format?: string;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  maxLength?: number;
  minLength?: number;
  pattern?: string;
}

interface FormContext {
  /** Schemas that others name. */
  parts: Record<string, Schema>;
  /** What is wrong, by the place of the field, such as `cases[0].when`. */
  problems: ReadonlyMap<string, string>;
  /** What expressions see; none: texts are plain. */
  reach: Reach | null;
  /** Fields, by their first name, whose texts may hold `${…}`. */
  templates: readonly string[];
}

const Context = createContext<FormContext>({ parts: {}, problems: new Map(), reach: null, templates: [] });

interface SchemaFormProps extends Partial<FormContext> {
  schema: Schema;
  value: Record<string, unknown>;
  onChange: (value: Record<string, unknown>, field: string) => void;
  /** Fields to leave out, and to show first. */
  without?: readonly string[];
  only?: readonly string[];
}

const NOTHING: ReadonlyMap<string, string> = new Map();

/** Fields for an object, made of its JSON schema. What is no longer said is taken out, not kept empty. */
export function SchemaForm({ schema, value, onChange, without = [], only, parts = {}, problems = NOTHING, reach = null, templates = [] }: SchemaFormProps) {
  const fields = Object.entries(schema.properties ?? {}).filter(([name]) => !without.includes(name) && (only?.includes(name) ?? true));
  return (
    <Context.Provider value={{ parts, problems, reach, templates }}>
      <Stack gap="sm">
        {fields.map(([name, one]) => (
          <Field key={name} name={name} place={name} schema={one} required={schema.required?.includes(name) ?? false} value={value[name]} onChange={(next) => onChange(withField(value, name, next), name)} />
        ))}
      </Stack>
    </Context.Provider>
  );
}

export function withField(value: Record<string, unknown>, name: string, next: unknown): Record<string, unknown> {
  const { [name]: _, ...rest } = value;
  if (next === undefined) return rest;
  return name in value ? { ...value, [name]: next } : { ...rest, [name]: next };
}

interface FieldProps {
  name: string;
  place: string;
  schema: Schema;
  required: boolean;
  value: unknown;
  onChange: (value: unknown) => void;
}

const labelOf = (name: string) => (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll('_', ' ');

/** The schema that is meant: references followed, and what may also be null without that. */
function meant(schema: Schema, parts: Record<string, Schema>): Schema {
  let found = schema;
  if (found.anyOf) {
    const some = found.anyOf.filter((one) => one.type !== 'null');
    if (some.length === 1) found = { ...some[0], ...(found.description ? { description: found.description } : {}) };
  }
  const target = found.$ref ? parts[found.$ref.replace(/^#\/(\$defs\/)?/, '')] : undefined;
  return target ? { ...target, ...(found.description ? { description: found.description } : {}) } : found;
}

function Field({ name, place, schema: given, required, value, onChange }: FieldProps) {
  const { parts, problems, reach, templates } = useContext(Context);
  const schema = meant(given, parts);
  const type = Array.isArray(schema.type) ? schema.type.find((one) => one !== 'null') : schema.type;
  const root = place.split(/[.[]/)[0] ?? '';
  const common = { label: schema.title && schema.properties === undefined ? schema.title : labelOf(name), description: schema.description, withAsterisk: required, error: problems.get(place) };
  const texts = reach !== null && (schema.format === 'cel' || templates.includes(root));

  if (schema.enum) {
    const options = schema.enum.map(String);
    const shown = String(value ?? schema.default ?? '');
    return <NativeSelect {...common} data={options.includes(shown) ? options : ['', ...options]} value={shown} onChange={(event) => onChange(schema.enum?.find((one) => String(one) === event.currentTarget.value))} />;
  }
  if (type === 'boolean') {
    return <Checkbox label={common.label} description={common.description} error={common.error} checked={Boolean(value ?? schema.default ?? false)} onChange={(event) => onChange(event.currentTarget.checked === (schema.default ?? false) && !required ? undefined : event.currentTarget.checked)} />;
  }
  if (type === 'integer' || type === 'number') {
    return (
      <NumberInput {...common} value={typeof value === 'number' ? value : ''} placeholder={placeholder(schema.default)} allowDecimal={type === 'number'} hideControls
        onChange={(next) => onChange(next === '' ? undefined : Number(next))} />
    );
  }
  if (type === 'string' && texts) {
    return <ExpressionField {...common} value={String(value ?? '')} whole={schema.format === 'cel'} reach={reach} onChange={(next) => onChange(next === '' && !required ? undefined : next)} />;
  }
  if (type === 'string') {
    const props = { ...common, value: String(value ?? ''), placeholder: placeholder(schema.default), spellCheck: false };
    const changed = (next: string) => onChange(next === '' && !required ? undefined : next);
    const long = schema.pattern === undefined && schema.maxLength === undefined && /text|body|system|user|instructions|criteria|task|message|answer|description/.test(name);
    return long ? <Textarea {...props} autosize minRows={2} maxRows={10} onChange={(event) => changed(event.currentTarget.value)} /> : <TextInput {...props} onChange={(event) => changed(event.currentTarget.value)} />;
  }
  if (type === 'array' && schema.items && meant(schema.items, parts).properties) {
    return <Several {...common} name={name} place={place} items={meant(schema.items, parts)} value={Array.isArray(value) ? value : []} onChange={(next) => onChange(next.length || required ? next : undefined)} />;
  }
  if (type === 'array' && schema.items && meant(schema.items, parts).type === 'string') {
    const lines = Array.isArray(value) ? value.map(String) : [];
    return <Lines {...common} lines={lines} onChange={(next) => onChange(next.length || required ? next : undefined)} />;
  }
  if (type === 'object' && schema.properties) {
    return <One {...common} name={name} place={place} schema={schema} value={value as Record<string, unknown> | undefined | null} required={required} onChange={onChange} />;
  }
  return <JsonField {...common} value={value} text={type !== 'object' && type !== 'array'} reach={texts ? reach : null} onChange={onChange} />;
}

const placeholder = (value: unknown) => (value === undefined || value === null || value === '' ? '' : String(value));

interface PartProps {
  label: string;
  description: string | undefined;
  error: string | undefined;
  name: string;
  place: string;
}

function Several({ label, description, error, name, place, items, value, onChange }: PartProps & { items: Schema; value: unknown[]; onChange: (value: unknown[]) => void }) {
  const single = name.replace(/s$/, '');
  return (
    <fieldset className={classes.part}>
      <legend>{label}</legend>
      <Told description={description} error={error} />
      <Stack gap="xs">
        {value.map((one, index) => (
          <fieldset key={index} className={classes.part}>
            <legend>{`${labelOf(single)} ${index + 1}`}</legend>
            <Inner schema={items} place={`${place}[${index}]`} value={(one ?? {}) as Record<string, unknown>} onChange={(next) => onChange(value.map((had, at) => (at === index ? next : had)))} />
            <Button mt="xs" size="compact-xs" variant="default" aria-label={words.remove(single, index + 1)} onClick={() => onChange(value.filter((_, at) => at !== index))}>{words.clear}</Button>
          </fieldset>
        ))}
        <Button size="compact-sm" variant="default" w="fit-content" onClick={() => onChange([...value, {}])}>{words.add(single)}</Button>
      </Stack>
    </fieldset>
  );
}

function One({ label, description, error, place, schema, value, required, onChange }: PartProps & { schema: Schema; value: Record<string, unknown> | undefined | null; required: boolean; onChange: (value: unknown) => void }) {
  const there = value !== undefined && value !== null;
  return (
    <fieldset className={classes.part}>
      <legend>{label}</legend>
      <Told description={description} error={error} />
      {there && <Inner schema={schema} place={place} value={value} onChange={onChange} />}
      {!required && (
        <Button mt={there ? 'xs' : 0} size="compact-xs" variant="default" aria-label={`${there ? words.clear : words.set}: ${label}`} onClick={() => onChange(there ? undefined : {})}>{there ? words.clear : words.set}</Button>
      )}
    </fieldset>
  );
}

function Inner({ schema, place, value, onChange }: { schema: Schema; place: string; value: Record<string, unknown>; onChange: (value: Record<string, unknown>) => void }) {
  return (
    <Stack gap="xs">
      {Object.entries(schema.properties ?? {}).map(([name, one]) => (
        <Field key={name} name={name} place={`${place}.${name}`} schema={one} required={schema.required?.includes(name) ?? false} value={value[name]} onChange={(next) => onChange(withField(value, name, next))} />
      ))}
    </Stack>
  );
}

function Told({ description, error }: { description: ReactNode; error: ReactNode }) {
  return (
    <>
      {description && <Text size="xs" c="dimmed" mb={6}>{description}</Text>}
      {error && <Text size="xs" c="var(--mantine-color-error)" mb={6}>{error}</Text>}
    </>
  );
}

function Lines({ lines, onChange, description, ...common }: { label: string; description: string | undefined; error: string | undefined; withAsterisk: boolean; lines: string[]; onChange: (lines: string[]) => void }) {
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <Textarea {...common} description={[description, words.perLine].filter(Boolean).join(' ')} autosize minRows={1} maxRows={8} spellCheck={false} value={typed ?? lines.join('\n')}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
        onChange(event.currentTarget.value.split('\n').map((one) => one.trim()).filter(Boolean));
      }}
      onBlur={() => setTyped(null)} />
  );
}

/** How any data stands in a text field: texts that are no JSON as they are. */
export function textOfData(value: unknown, text: boolean): string {
  if (value === undefined) return '';
  if (text && typeof value === 'string' && !isJson(value)) return value;
  return JSON.stringify(value, null, 2);
}

export function dataOfText(text: string, plain: boolean): { value: unknown } | null {
  if (text.trim() === '') return { value: undefined };
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return plain ? { value: text } : null;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

interface JsonFieldProps {
  label: string;
  description?: string | undefined;
  error?: string | undefined;
  withAsterisk?: boolean;
  value: unknown;
  /** Whether what is no JSON is a text. */
  text?: boolean;
  reach?: Reach | null;
  onChange: (value: unknown) => void;
}

/** Any data, written as JSON. */
export function JsonField({ value, text = false, reach = null, onChange, error, label, description, withAsterisk = false }: JsonFieldProps) {
  const [typed, setTyped] = useState<string | null>(null);
  const shown = typed ?? textOfData(value, text);
  const read = dataOfText(shown, text);
  const changed = (next: string) => {
    setTyped(next);
    const found = dataOfText(next, text);
    if (found) onChange(found.value);
  };
  const told = read === null ? words.notJson : error;
  if (reach) return <ExpressionField label={label} description={description} withAsterisk={withAsterisk} error={told} value={shown} whole={false} reach={reach} onChange={changed} onLeave={() => setTyped(null)} data={read?.value} />;
  return (
    <Group gap={0}>
      <Textarea w="100%" label={label} description={description} withAsterisk={withAsterisk} error={told} value={shown} autosize minRows={2} maxRows={14} spellCheck={false} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
        onChange={(event) => changed(event.currentTarget.value)} onBlur={() => read && setTyped(null)} />
    </Group>
  );
}
