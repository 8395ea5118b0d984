import type { components } from '../../api/schema';
import { ago } from '../../format';
import { inbox as words } from '../../strings/inbox';
import classes from './Inbox.module.css';

/** Until when a task waits, or how it ended. */
export function Due({ task }: { task: components['schemas']['TaskHead'] }) {
  if (task.state !== 'open') return <span>{words.state[task.state] ?? task.state}</span>;
  if (!task.deadline) return <span>{words.noDeadline}</span>;
  const late = new Date(task.deadline).getTime() < Date.now();
  return <span className={late ? classes.late : undefined}>{late ? words.late : words.due(ago(task.deadline))}</span>;
}
