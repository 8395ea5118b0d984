import { readFile } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { expect, open, settled, test } from './journey';

const node = (page: Page, id: string) => page.locator(`.react-flow__node[data-id="${id}"]`);
const edges = (page: Page) => page.locator('.react-flow__edge');

async function begin(page: Page, name: string, from?: string, model?: string) {
  await open(page, '/workflows', 'Workflows');
  await page.getByRole('button', { name: 'New workflow' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  if (from) await page.getByRole('combobox', { name: 'Begin with' }).selectOption(from);
  if (model) await page.getByRole('textbox', { name: 'Model' }).fill(model);
}

async function opened(page: Page, name: string) {
  await page.getByRole('button', { name: 'Open on the canvas' }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
}

async function exported(page: Page, form: string) {
  await page.getByRole('button', { name: 'Export' }).click();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: form, exact: true }).click()]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
}

const ids = (page: Page) => page.locator('.react-flow__node').evaluateAll((all) => all.map((one) => one.getAttribute('data-id')).sort());

test('a pattern is opened, exported in every form, and one of them imported again', async ({ page }) => {
  test.setTimeout(240_000);
  await begin(page, 'from-a-pattern', 'router', 'chat');
  await opened(page, 'from-a-pattern');
  await expect(node(page, 'by_rule')).toBeVisible();
  await expect(page.getByText('It can run')).toBeVisible();
  const drawn = await ids(page);
  const files = [];
  for (const form of ['YAML', 'JSON', 'Serverless Workflow', 'Mermaid', 'Python']) files.push(await exported(page, form));
  const [yaml, json, serverless, mermaid, python] = files;
  expect(files.map((one) => one.name)).toEqual(['yaml', 'json', 'sw.yaml', 'mmd', 'py'].map((ending) => `from-a-pattern.${ending}`));
  expect(yaml?.text).toContain('id: by_rule');
  expect(JSON.parse(json?.text ?? '').nodes.map((one: { id: string }) => one.id).sort()).toEqual(drawn);
  expect(serverless?.text).toContain('dsl:');
  expect(mermaid?.text).toMatch(/^(flowchart|graph) /m);
  expect(python?.text).toContain('by_rule');

  await begin(page, 'from-yaml', ' import');
  await page.getByRole('textbox', { name: 'Definition' }).fill(yaml?.text ?? '');
  await opened(page, 'from-yaml');
  await expect.poll(() => ids(page)).toEqual(drawn);
  await begin(page, 'from-serverless', ' import');
  await page.getByRole('textbox', { name: 'Definition' }).fill(serverless?.text ?? '');
  await opened(page, 'from-serverless');
  await expect(page.getByText('It can run')).toBeVisible();

  // What can't be read says where and why.
  await begin(page, 'from-nothing', ' import');
  await page.getByRole('textbox', { name: 'Definition' }).fill('nodes: 3');
  await page.getByRole('button', { name: 'Open on the canvas' }).click();
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('nodes');
});

test('a graph is drawn by the mouse, and changed by the keyboard', async ({ page }) => {
  test.setTimeout(240_000);
  await begin(page, 'by-mouse');
  await opened(page, 'by-mouse');
  await expect(node(page, 'begin')).toBeVisible();

  // A kind is dragged from the palette to a place.
  const canvas = page.locator('.react-flow__pane');
  const box = await canvas.boundingBox();
  if (!box) throw new Error('no canvas');
  await page.getByRole('navigation', { name: 'Add a node' }).getByRole('button', { name: 'Set', exact: true }).dragTo(canvas, { targetPosition: { x: box.width * 0.6, y: box.height * 0.75 } });
  await expect(node(page, 'set')).toBeVisible();
  await expect(edges(page)).toHaveCount(0);

  // An edge is drawn from a port to a node; one that would go round is refused.
  await page.waitForTimeout(400); // the view moves to show all
  await node(page, 'begin').locator('.react-flow__handle-right[data-handleid="done"]').dragTo(node(page, 'set').locator('.react-flow__handle-left'));
  await expect(edges(page)).toHaveCount(1);
  await node(page, 'set').locator('.react-flow__handle-right[data-handleid="done"]').dragTo(node(page, 'begin').locator('.react-flow__handle-left'));
  await expect(edges(page)).toHaveCount(1);

  // A node is dragged; undo takes that back, redo does it again.
  const at = () => node(page, 'set').evaluate((one) => (one as HTMLElement).style.transform);
  const before = await at();
  const head = await node(page, 'set').boundingBox();
  if (!head) throw new Error('no node');
  await page.mouse.move(head.x + 40, head.y + 15);
  await page.mouse.down();
  await page.mouse.move(head.x + 90, head.y - 45, { steps: 6 });
  await page.mouse.up();
  await expect.poll(at).not.toBe(before);
  const after = await at();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(at).toBe(before);
  await page.getByRole('button', { name: 'Redo' }).click();
  await expect.poll(at).toBe(after);

  // The keyboard: arrows move what is chosen, Ctrl C and V copy it, Ctrl Z and Y undo and redo, Delete removes.
  await node(page, 'set').click();
  await node(page, 'set').focus();
  await page.keyboard.press('ArrowDown');
  await expect.poll(at).not.toBe(after);
  await page.keyboard.press('Control+c');
  await page.keyboard.press('Control+v');
  await expect(node(page, 'set_2')).toBeVisible();
  await page.keyboard.press('Control+z');
  await expect(node(page, 'set_2')).toHaveCount(0);
  await page.keyboard.press('Control+y');
  await expect(node(page, 'set_2')).toBeVisible();
  await node(page, 'set_2').focus();
  await node(page, 'set_2').press('Delete');
  await expect(node(page, 'set_2')).toHaveCount(0);
  await edges(page).first().focus();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Delete');
  await expect(edges(page)).toHaveCount(0);
  await page.keyboard.press('Control+z');
  await expect(edges(page)).toHaveCount(1);
});

test('people edit, choose, fill in and delegate, a signal wakes a run, and it is resumed', async ({ page }) => {
  test.setTimeout(300_000);
  const headers = { authorization: `Bearer ${process.env.LEGATO_ADMIN_KEY}` };
  const api = `${process.env.LEGATO_URL}/api/v1`;
  const form = { type: 'object', required: ['name'], properties: { name: { type: 'string', title: 'Name' }, urgent: { type: 'boolean', title: 'Urgent' } } };
  const nodes = [
    { id: 'mend', kind: 'human', ask: 'edit', subject: 'Mend the draft', data: { text: 'Dear sir' }, form: { type: 'object', properties: { text: { type: 'string', title: 'Text' } } } },
    { id: 'way', kind: 'human', ask: 'choose', subject: 'Which way?', choices: [{ port: 'post', description: 'By post' }, { port: 'mail', description: 'By mail' }], after: ['mend:approved'] },
    { id: 'who', kind: 'human', ask: 'form', subject: 'Who is it for?', form, after: ['way:mail'] },
    { id: 'paid', kind: 'listen', event: 'invoice.paid', after: ['who'] },
  ];
  const made = await page.request.post(`${api}/workflow-runs`, { headers, data: { workflow: 'with-people', definition: { nodes, output: '${has(steps.paid) ? steps.paid.output : null}' } } });
  expect(made.status(), await made.text()).toBe(201);
  const { id } = (await made.json()) as { id: string };
  const task = async (subject: string) => {
    await page.goto('./inbox');
    const link = page.getByRole('link', { name: new RegExp(subject) }).first();
    await link.click({ timeout: 40_000 });
    await expect(page.getByRole('heading', { level: 2, name: subject })).toBeVisible();
    await settled(page);
  };

  await task('Mend the draft');
  await page.getByRole('button', { name: 'Delegate' }).click();
  await page.getByRole('textbox', { name: 'To whom' }).fill(process.env.LEGATO_EMAIL ?? '');
  await page.getByRole('button', { name: 'Delegate' }).last().click();
  await expect(page.getByText(/delegated/)).toBeVisible();
  await page.getByRole('textbox', { name: 'Text' }).fill('Dear Ada');
  await page.getByRole('button', { name: 'Approve with these changes' }).click();
  await expect(page.getByText('approved with changes', { exact: false }).first()).toBeVisible();

  await task('Which way?');
  await page.getByRole('button', { name: 'By mail' }).click();
  await expect(page.getByText(/chose/).first()).toBeVisible();

  await task('Who is it for?');
  await page.getByRole('textbox', { name: 'Name' }).fill('Ada');
  await page.getByRole('button', { name: 'Send' }).click();
  await expect(page.getByText(/filled it in/).first()).toBeVisible();

  // It waits for an event: cancelled, resumed, then woken by a signal.
  await page.goto(`./workflow-runs/${id}`);
  await expect(node(page, 'paid').locator('[data-state="waiting"]')).toBeVisible({ timeout: 40_000 });
  await page.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByText('Cancelled').first()).toBeVisible({ timeout: 40_000 });
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(node(page, 'paid').locator('[data-state="waiting"]')).toBeVisible({ timeout: 40_000 });
  await page.getByRole('button', { name: 'Send a signal' }).click();
  const signal = page.getByRole('dialog');
  await expect(signal.getByRole('textbox', { name: 'Topic' })).toHaveValue('invoice.paid');
  await signal.getByRole('textbox', { name: 'Message' }).fill('{"amount": 12}');
  await signal.getByRole('button', { name: 'Send' }).click();
  await expect(page.getByText('Done').first()).toBeVisible({ timeout: 40_000 });
  await expect(page.getByRole('region', { name: 'Output', exact: true }).first()).toContainText('12');
});

test('a dead letter is dismissed', async ({ page }) => {
  const headers = { authorization: `Bearer ${process.env.LEGATO_ADMIN_KEY}` };
  const definition = { nodes: [{ id: 'refuse', kind: 'raise', code: 'refused', message: 'Nobody wants this' }] };
  const made = await page.request.post(`${process.env.LEGATO_URL}/api/v1/workflow-runs`, { headers, data: { workflow: 'unwanted', definition, input: null } });
  expect(made.status(), await made.text()).toBe(201);
  const row = page.getByRole('row', { name: /Nobody wants this/ });
  await expect(async () => {
    await page.goto('./workflow-runs?tab=letters');
    await expect(row).toBeVisible({ timeout: 15_000 });
  }).toPass({ timeout: 90_000 });
  await row.getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await expect(page.getByText('1 settled')).toBeVisible();
  await expect(row).toHaveCount(0);
  await page.getByRole('combobox', { name: 'What became of them' }).selectOption('dismissed');
  await expect(row).toBeVisible();
});
