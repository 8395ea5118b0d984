import { Stack, Text } from '@mantine/core';
import { SchemaForm } from '../../components/SchemaForm';
import type { Definition } from '../../flow/definition';
import { builder as words } from '../../strings/builder';
import classes from './Editor.module.css';
import type { Format } from './format';
import type { OfNode } from './useChecked';
import type { Editor } from './useEditor';

interface WholePanelProps {
  editor: Editor;
  format: Format;
  problems: ReadonlyMap<string, OfNode[]>;
  hints: ReadonlyMap<string, OfNode[]>;
}

/** What is wrong anywhere, and the fields of the whole. */
export function WholePanel({ editor, format, problems, hints }: WholePanelProps) {
  const schema = format.parts.Definition;
  return (
    <Stack gap="sm">
      <Findings title={words.problems} found={problems} editor={editor} />
      <Findings title={words.hints} found={hints} editor={editor} />
      {schema && <SchemaForm schema={schema} value={editor.definition as Record<string, unknown>} parts={format.parts} without={['nodes', 'legato', 'triggers']} onChange={(value, field) => editor.replace(value as unknown as Definition, `whole.${field}`)} />}
    </Stack>
  );
}

function Findings({ title, found, editor }: { title: string; found: ReadonlyMap<string, OfNode[]>; editor: Editor }) {
  if (found.size === 0) return null;
  return (
    <div>
      <Text size="sm" fw={600}>{title}</Text>
      <ul className={classes.problems}>
        {[...found].flatMap(([node, all]) => all.map((one) => (
          <li key={`${node}${one.field}${one.message}`}>{node && <button type="button" onClick={() => editor.select([node])}>{node}{one.field ? `.${one.field}` : ''}</button>} {one.message}</li>
        )))}
      </ul>
    </div>
  );
}
