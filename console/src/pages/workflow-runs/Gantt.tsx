import { UnstyledButton } from '@mantine/core';
import { Money } from '../../components/Money';
import { runs as words } from '../../strings/workflow-runs';
import classes from './Gantt.module.css';
import { type Step, Status, lasted, took } from './parts';

interface GanttProps {
  steps: Step[];
  begun: string;
  ended: string | null | undefined;
  costs: Record<string, string>;
  selected: string | undefined;
  onSelect: (node: string) => void;
}

/** The steps in the order they began, each as a bar in the time of the run. */
export function Gantt({ steps, begun, ended, costs, selected, onSelect }: GanttProps) {
  const whole = Math.max(1, lasted(begun, ended));
  return (
    <div className={classes.scroll} tabIndex={0} role="region" aria-label={words.detail.time}>
      <table className={classes.table} aria-label={words.detail.time}>
        <thead>
          <tr>
            <th scope="col">{words.detail.step}</th>
            <th scope="col">{words.detail.state}</th>
            <th scope="col" style={{ width: '50%' }}>{words.detail.time}</th>
            <th scope="col" className={classes.right}>{words.detail.took}</th>
            <th scope="col" className={classes.right}>{words.detail.cost}</th>
          </tr>
        </thead>
        <tbody>
          {steps.map((step) => {
            const from = (lasted(begun, step.started_at) / whole) * 100;
            const width = Math.min(100 - from, (lasted(step.started_at, step.ended_at) / whole) * 100);
            return (
              <tr key={`${step.node} ${step.name}`} data-selected={step.node === selected ? '' : undefined}>
                <td>
                  <UnstyledButton fz="sm" c="var(--mantine-color-anchor)" onClick={() => onSelect(step.node)}>{step.name ? `${step.node} · ${step.name}` : step.node}</UnstyledButton>
                </td>
                <td><Status of={step.state} words={words.states} /></td>
                <td>
                  <div className={classes.track}><div className={classes.bar} data-state={step.state} style={{ left: `${Math.min(99, from)}%`, width: `${width}%` }} /></div>
                </td>
                <td className={classes.right}>{took(step.started_at, step.ended_at)}</td>
                <td className={classes.right}>{step.name === '' && costs[step.node] !== undefined ? <Money usd={costs[step.node]} /> : ''}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
