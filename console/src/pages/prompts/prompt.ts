// A prompt and its versions, and what a version holds, as the form of a new one writes it.

import type { components } from '../../api/schema';
import { prompts as words } from '../../strings/prompts';

export interface Message {
  role: string;
  content: string;
}

export interface Variable {
  type?: string;
  default?: unknown;
  required?: boolean;
  description?: string;
  enum?: unknown[];
}

export interface Spec {
  messages?: { role: string; content: unknown }[];
  route?: string;
  variables?: Record<string, Variable>;
  parameters?: Record<string, unknown>;
  partials?: Record<string, string>;
  output_schema?: unknown;
  tests?: unknown[];
}

/** Messages of text alone; null where one has parts. */
export function messagesOf(spec: Spec): Message[] | null {
  const messages = spec.messages ?? [];
  return messages.every((one) => typeof one.content === 'string') ? (messages as Message[]) : null;
}

/** What isn't a field of the form of its own. */
export function restOf({ messages: _, route: __, ...rest }: Spec): Record<string, unknown> {
  return rest;
}

/** The specification that was written; null where the rest is no JSON object. */
export function specOf(messages: Message[], route: string, rest: string): Spec | null {
  try {
    const read: unknown = rest.trim() ? JSON.parse(rest) : {};
    if (read === null || typeof read !== 'object' || Array.isArray(read)) return null;
    return { ...read, messages: messages.filter((one) => one.content !== ''), ...(route ? { route } : {}) };
  } catch {
    return null;
  }
}

/** What callers send: texts as they are, all else as JSON. What was left empty is left out. Throws SyntaxError with the name. */
export function valuesOf(variables: Record<string, Variable>, typed: Record<string, string>): Record<string, unknown> {
  const given = Object.entries(variables).filter(([name]) => (typed[name] ?? '') !== '');
  return Object.fromEntries(
    given.map(([name, { type }]) => {
      const text = typed[name] ?? '';
      if (type === undefined || type === 'string') return [name, text];
      try {
        return [name, JSON.parse(text) as unknown];
      } catch {
        throw new SyntaxError(name);
      }
    }),
  );
}

export const needed = (one: Variable) => one.required ?? one.default === undefined;

/** All versions, newest first, with the labels that point to each. */
export const numbersOf = (stored: components['schemas']['Object']) =>
  Array.from({ length: stored.versions }, (_, index) => {
    const number = stored.versions - index;
    const labels = Object.entries(stored.labels).filter(([, version]) => version === number).map(([label]) => label);
    return { value: String(number), label: [words.shown(number), ...labels].join(' · ') };
  });
