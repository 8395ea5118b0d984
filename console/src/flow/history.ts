const KEPT_MAX = 200;
const TOGETHER_MS = 800;

/** What was, is, and was taken back. Edits of one field in a moment are one. */
export interface History<T> {
  past: T[];
  present: T;
  future: T[];
  mark: { field: string; at: number } | null;
}

export const begun = <T>(present: T): History<T> => ({ past: [], present, future: [], mark: null });

export function done<T>(history: History<T>, present: T, field = '', at = Date.now()): History<T> {
  if (present === history.present) return history;
  const same = field !== '' && history.mark?.field === field && at - history.mark.at < TOGETHER_MS;
  const past = same ? history.past : [...history.past, history.present].slice(-KEPT_MAX);
  return { past, present, future: [], mark: { field, at } };
}

export function undone<T>(history: History<T>): History<T> {
  const last = history.past.at(-1);
  if (last === undefined) return history;
  return { past: history.past.slice(0, -1), present: last, future: [history.present, ...history.future], mark: null };
}

export function redone<T>(history: History<T>): History<T> {
  const [next, ...future] = history.future;
  if (next === undefined) return history;
  return { past: [...history.past, history.present], present: next, future, mark: null };
}
