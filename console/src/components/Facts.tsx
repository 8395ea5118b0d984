import type { ReactNode } from 'react';
import { common } from '../strings/common';
import classes from './Facts.module.css';

/** Names with their values; what is empty is a dash. */
export function Facts({ of }: { of: [string, ReactNode][] }) {
  return (
    <dl className={classes.facts}>
      {of.map(([name, value]) => (
        <div key={name} className={classes.fact}>
          <dt>{name}</dt>
          <dd>{value === null || value === undefined || value === '' ? common.none : value}</dd>
        </div>
      ))}
    </dl>
  );
}

export type Tone = 'good' | 'warn' | 'bad' | 'plain';

/** A state in a word, with a colour that says it again. */
export function State({ tone = 'plain', children }: { tone?: Tone; children: ReactNode }) {
  return <span className={classes.state} data-tone={tone}>{children}</span>;
}

/** Columns beside each other where there is room. */
export function Columns({ children, least = '18rem' }: { children: ReactNode; least?: string }) {
  return <div className={classes.columns} style={{ gridTemplateColumns: `repeat(auto-fit, minmax(min(100%, ${least}), 1fr))` }}>{children}</div>;
}
