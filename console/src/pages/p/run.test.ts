import { describe, expect, it } from 'vitest';
import { ApiError } from '../../api/errors';
import { hasEnded, problemsOf, textOf } from './run';

const refused = (message: string) => new ApiError(400, 'invalid_request', message, 'input');

describe('what the server refuses', () => {
  it('stands at its field', () => {
    expect([...problemsOf(refused('input: /age: is not of type integer'))]).toEqual([['age', 'is not of type integer']]);
    expect([...problemsOf(refused('input: /lines/0/text: is too long'))]).toEqual([['lines[0].text', 'is too long']]);
  });
  it('belongs to the form where it names none', () => {
    expect(problemsOf(refused('input: "name" is a required property')).size).toBe(0);
    expect(problemsOf(new Error('input: /age: no')).size).toBe(0);
  });
});

describe('an answer', () => {
  it('is a text, what an agent answered, or data', () => {
    expect(textOf('Hello')).toBe('Hello');
    expect(textOf({ answer: 'Forty', turns: 2 })).toBe('Forty');
    expect(textOf({ sum: 3 })).toBe('{\n  "sum": 3\n}');
    expect(textOf(null)).toBe('null');
  });
  it('is awaited until a run has ended or rests', () => {
    expect(['queued', 'running', 'waiting'].some((status) => hasEnded({ status }))).toBe(false);
    expect(['done', 'failed', 'cancelled', 'paused'].every((status) => hasEnded({ status }))).toBe(true);
  });
});
