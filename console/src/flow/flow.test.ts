import { describe, expect, it } from 'vitest';
import { dataOfText, textOfData } from '../components/SchemaForm';
import { type Definition, type FlowNode, before, graphAt, portsOf, withGraph } from './definition';
import { diffOf } from './diff';
import { changeNode, connect, disconnect, pasted, pathProblem, removeNodes, rename } from './edit';
import { begun, done, redone, undone } from './history';
import { laidOut } from './layout';
import { namesInReach, sampleOf, wordAt } from './reach';
import { alone, withPins } from './trial';

const ask: FlowNode = { id: 'ask', kind: 'prompt', model: 'chat', user: '${input.question}' };
const check: FlowNode = { id: 'check', kind: 'human', subject: 'Is ${steps.ask.output} right?', after: ['ask'], deadline_s: 60 };
const send: FlowNode = { id: 'send', kind: 'set', value: '${steps.ask.output}', after: ['check:approved'] };
const graph: Definition = { nodes: [ask, check, send] };
const node = (found: { nodes: FlowNode[] }, id: string) => found.nodes.find((one) => one.id === id);

describe('ports', () => {
  it('are those that the server has', () => {
    expect(portsOf(check)).toEqual(['approved', 'rejected', 'expired', 'error']);
    expect(portsOf({ id: 's', kind: 'switch', cases: [{ port: 'a', when: 'true' }] })).toEqual(['a', 'otherwise', 'error']);
    expect(portsOf({ id: 'r', kind: 'raise' })).toEqual(['error']);
    expect(portsOf({ id: 'c', kind: 'classify', choices: [{ port: 'x' }], otherwise: 'y', confidence: { below: [{ port: 'unsure' }] } })).toEqual(['x', 'y', 'unsure', 'error']);
  });
});

describe('editing', () => {
  it('draws no path to itself and no circle', () => {
    expect(pathProblem(graph, 'ask', 'ask')).toBe('self');
    expect(pathProblem(graph, 'send', 'ask')).toBe('circle');
    expect(pathProblem(graph, 'ask', 'send')).toBeNull();
  });
  it('connects once, and disconnects that port alone', () => {
    const twice = connect(connect(graph, 'check', 'rejected', 'send'), 'check', 'rejected', 'send');
    expect(node(twice, 'send')?.after).toEqual(['check:approved', 'check:rejected']);
    expect(node(disconnect(twice, 'check', 'approved', 'send'), 'send')?.after).toEqual(['check:rejected']);
  });
  it('renames a node wherever it is named', () => {
    const renamed = rename(graph, 'ask', 'answer');
    expect(renamed.nodes.map((one) => one.id)).toEqual(['answer', 'check', 'send']);
    expect(node(renamed, 'check')).toMatchObject({ subject: 'Is ${steps.answer.output} right?', after: ['answer'] });
    expect(node(renamed, 'send')?.value).toBe('${steps.answer.output}');
  });
  it('takes out a node with its paths', () => {
    expect(node(removeNodes(graph, ['check']), 'send')).not.toHaveProperty('after');
  });
  it('pastes copies that follow each other, not what they were copied from', () => {
    const { graph: made, ids } = pasted(graph, [ask, check], ['ask', 'check', 'send']);
    expect(ids).toEqual(['ask_2', 'check_2']);
    expect(node(made, 'check_2')).toMatchObject({ after: ['ask_2'], subject: 'Is ${steps.ask_2.output} right?' });
    expect(node(made, 'check')).toEqual(check);
  });
  it('changes a body in its place', () => {
    const looped: Definition = { nodes: [{ id: 'all', kind: 'for', each: 'input', do: { nodes: [ask] } }] };
    const changed = withGraph(looped, ['all'], (one) => changeNode(one, 'ask', { model: 'careful' }));
    expect(graphAt(changed, ['all'])?.nodes[0]?.model).toBe('careful');
    expect(graphAt(looped, ['all'])?.nodes[0]?.model).toBe('chat');
  });
});

describe('the difference of two graphs', () => {
  it('names what was added, removed, changed and only moved', () => {
    const moved = changeNode(graph, 'ask', { at: { x: 1, y: 2 } });
    const after = { nodes: [...removeNodes(changeNode(moved, 'send', { value: 1 }), ['check']).nodes, { id: 'new', kind: 'set', value: 2 }] };
    const found = diffOf(graph, after);
    expect(Object.fromEntries(found.nodes)).toEqual({ check: 'removed', ask: 'moved', send: 'changed', new: 'added' });
    expect(found.fields.get('send')).toEqual(['after', 'value']);
    expect(diffOf(graph, structuredClone(graph)).nodes.size).toBe(0);
  });
});

describe('history', () => {
  it('goes back and forth, and takes typing in one field as one', () => {
    let history = done(begun('a'), 'b', '', 0);
    history = done(done(history, 'bc', 'text', 1_000), 'bcd', 'text', 1_200);
    expect(undone(history).present).toBe('b');
    expect(redone(undone(history)).present).toBe('bcd');
    expect(undone(undone(undone(history))).present).toBe('a');
    expect(redone(done(undone(history), 'x', '', 9_000)).present).toBe('x');
  });
});

describe('layout', () => {
  it('places what has no place, left to right, and leaves the rest where it stands', () => {
    const placed = laidOut({ nodes: [{ ...ask, at: { x: 7, y: 9 } }, check, send] });
    expect(placed.nodes[0]?.at).toEqual({ x: 7, y: 9 });
    const anew = laidOut(placed, true);
    const [first, second, third] = anew.nodes.map((one) => one.at?.x ?? 0);
    expect((first ?? 0) < (second ?? 0) && (second ?? 0) < (third ?? 0)).toBe(true);
  });
});

describe('trials', () => {
  it('give what is pinned, at the port it is pinned to, and nothing in it is an expression', () => {
    const pins = new Map([['check', { output: { by: '${input}' }, port: 'approved' }]]);
    const made = withPins(graph, pins);
    expect(node(made, 'check')).toMatchObject({ kind: 'set', value: { by: '$${input}' }, after: ['ask'] });
    expect(node(made, 'send')?.after).toEqual(['check']);
    expect(node(withPins({ nodes: [ask, check, { ...send, after: ['check:rejected'] }] }, pins), 'send')?.after).toEqual(['check:error']);
  });
  it('of one node leave out what comes after it and what is not pinned', () => {
    const made = alone({ ...graph, output: '${steps.send.output}' }, 'check', new Map([['ask', { output: 'Yes', port: 'done' }]]));
    expect(made.nodes.map((one) => [one.id, one.kind])).toEqual([['ask', 'set'], ['check', 'human']]);
    expect(made).not.toHaveProperty('output');
  });
});

describe('completion', () => {
  it('knows inputs, outputs of what stands before, and nothing that comes after', () => {
    const names = namesInReach(graph, 'check', { properties: { question: {} } }, new Map([['ask', { text: 1 }]]), false);
    expect(names).toContain('input.question');
    expect(names).toContain('steps.ask.output.text');
    expect(names.some((one) => one.startsWith('steps.send'))).toBe(false);
    expect([...before(graph, 'send')].sort()).toEqual(['ask', 'check']);
  });
  it('finds the word at the caret, in templates only within an expression', () => {
    expect(wordAt('To ${steps.a', 12, false)).toEqual({ word: 'steps.a', from: 5 });
    expect(wordAt('To ${a} steps', 13, false)).toBeNull();
    expect(wordAt('input.x > ste', 13, true)?.word).toBe('ste');
  });
  it('samples follow a schema', () => {
    expect(sampleOf({ type: 'object', properties: { n: { type: 'integer' }, l: { type: 'array', items: { type: 'string' } } } })).toEqual({ n: 1, l: ['text'] });
  });
});

describe('data in a text field', () => {
  it('comes back as it was', () => {
    for (const value of [null, 1, '1', 'text', '${input}', { a: ['b'] }, [], true]) expect(dataOfText(textOfData(value, true), true)).toEqual({ value });
    expect(dataOfText('{', false)).toBeNull();
  });
});
