import { UnstyledButton } from '@mantine/core';
import type { components } from '../../api/schema';
import { builder as words } from '../../strings/builder';
import { canvas as canvasWords } from '../../strings/canvas';
import classes from './Editor.module.css';
import { nanoDollars } from './cost';
import type { OfNode } from './useChecked';
import type { Editor } from './useEditor';

interface NodeListProps {
  editor: Editor;
  problems: ReadonlyMap<string, OfNode[]>;
  costs: components['schemas']['OneNode'][];
}

/** The same graph as a list: for whoever reads or works by keyboard. */
export function NodeList({ editor, problems, costs }: NodeListProps) {
  const cost = new Map(costs.map((one) => [one.node, one.cost_nano_usd.likely]));
  return (
    <table className={classes.table} aria-label={words.views.list}>
      <thead><tr>{Object.values(words.list).map((one) => <th key={one} scope="col">{one}</th>)}</tr></thead>
      <tbody>
        {editor.graph.nodes.map((node) => (
          <tr key={node.id} data-selected={editor.selected.includes(node.id) ? '' : undefined}>
            <td><UnstyledButton fz="sm" fw={600} c="var(--mantine-color-anchor)" onClick={() => editor.select([node.id])}>{node.title ? `${node.title} (${node.id})` : node.id}</UnstyledButton></td>
            <td>{canvasWords.kinds[node.kind] ?? node.kind}</td>
            <td>{(node.after ?? []).join(', ')}</td>
            <td>{(problems.get(node.id) ?? []).map((one) => one.message).join('; ')}</td>
            <td className="figures">{cost.get(node.id) ? nanoDollars(cost.get(node.id) ?? 0) : ''}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
