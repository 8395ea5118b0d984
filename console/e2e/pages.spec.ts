import type { APIRequestContext, Browser } from '@playwright/test';
import { expect, look, open, settled, test } from './journey';

const EMAIL = 'paula@example.com';
const PASSWORD = 'seven goats on the roof';
const WAIT_MS = 60_000;

const REFUND = {
  title: 'Refund',
  input: {
    type: 'object',
    properties: {
      order: { type: 'string', title: 'Order number', pattern: '^[0-9]{6}$' },
      amount: { type: 'number', title: 'Amount in euros' },
      reason: { type: 'string', title: 'Reason', enum: ['late', 'broken'] },
    },
    required: ['order', 'amount'],
  },
  nodes: [
    { id: 'letter', title: 'Write the letter', kind: 'prompt', model: 'careful', max_tokens: 40, user: 'Refund ${input.amount} for order ${input.order}' },
    { id: 'check', title: 'Your check', kind: 'human', ask: 'approve', after: ['letter'], subject: 'Is this letter right?', body: '${steps.letter.output}', assignees: { accounts: ['${run.user}'] } },
    { id: 'sent', title: 'Send it', kind: 'set', after: ['check:approved'], value: '<img src=x onerror=alert(1)> sent for ${input.order}' },
  ],
};
const TALK = {
  input: { type: 'object', properties: { messages: { type: 'array', items: { type: 'object' } } }, required: ['messages'] },
  nodes: [{ id: 'answer', title: 'Answer', kind: 'prompt', model: 'careful', max_tokens: 30, user: '${input.messages[size(input.messages) - 1].content}' }],
};

async function ask<T>(request: APIRequestContext, path: string, data?: unknown): Promise<T> {
  const headers = { authorization: `Bearer ${process.env.LEGATO_ADMIN_KEY}` };
  const url = `${process.env.LEGATO_URL}/api/v1${path}`;
  const answer = data === undefined ? await request.get(url, { headers }) : await request.post(url, { headers, data });
  expect(answer.ok(), await answer.text()).toBe(true);
  return (await answer.json()) as T;
}

interface Listed {
  data: { id: string; name: string }[];
}

async function feature(request: APIRequestContext): Promise<string> {
  let above = '/organisations';
  for (const [name, below] of [['default', '/organisations/ID/teams'], ['service', '/teams/ID/features']] as const) {
    const id = (await ask<Listed>(request, above)).data.find((one) => one.name === name)?.id ?? '';
    above = below.replace('ID', id);
  }
  return (await ask<Listed>(request, above)).data.find((one) => one.name === 'helpdesk')?.id ?? '';
}

/** A person who may use pages and nothing else, with a browser of their own. */
async function paula(browser: Browser, request: APIRequestContext) {
  const { account } = await ask<{ account: { id: string } }>(request, '/accounts', { org: 'default', email: EMAIL });
  await ask(request, '/role-bindings', { subject_kind: 'account', subject_id: account.id, role: 'page-user', org: 'default' });
  const { invitation } = await ask<{ invitation: string }>(request, `/accounts/${account.id}/invite`, {});
  await ask(request, '/login/invitation', { token: invitation, password: PASSWORD });
  const context = await browser.newContext({ baseURL: `${process.env.LEGATO_URL}/ui/` });
  return context.newPage();
}

test('a workflow is published, used by somebody who sees nothing else, and revoked', async ({ page, browser, forgive }) => {
  test.setTimeout(400_000);
  forgive(/400|404/); // a form that doesn't fit, a page that is gone
  await ask(page.request, '/registry/objects/workflow/refund-page/versions', { spec: REFUND, labels: ['production'] });
  await ask(page.request, '/registry/objects/workflow/talk-page/versions', { spec: TALK, labels: ['production'] });
  const feature_id = await feature(page.request);

  // Publish it.
  await open(page, '/pages', 'Published pages');
  await expect(page.getByText('No workflow is published')).toBeVisible();
  await look(page, 'published-empty');
  await page.getByRole('button', { name: 'Publish a workflow' }).click();
  const form = page.getByRole('dialog');
  await form.getByRole('textbox', { name: 'Workflow' }).fill('refund-page');
  await form.getByRole('textbox', { name: 'Name' }).fill('refunds');
  await form.getByRole('textbox', { name: 'Title' }).fill('Refunds');
  await form.getByRole('textbox', { name: 'What it is for' }).fill('Writes to the customer once you agree.');
  await form.getByRole('combobox', { name: 'Organisation' }).selectOption({ label: 'default' });
  await form.getByRole('combobox', { name: 'Team' }).selectOption({ label: 'service' });
  await form.getByRole('combobox', { name: 'Feature' }).selectOption({ label: 'helpdesk' });
  await form.getByRole('textbox', { name: 'Budget in dollars' }).fill('5');
  await form.getByRole('textbox', { name: 'Roles' }).fill('page-user');
  await look(page, 'publish');
  await form.getByRole('button', { name: 'Publish a workflow' }).click();
  await expect(page.getByRole('row', { name: /Refunds.*page-user/ })).toBeVisible();
  await look(page, 'published');
  await page.getByRole('button', { name: 'Change the page refunds' }).click();
  const change = page.getByRole('dialog', { name: 'Change the page refunds' });
  await change.getByRole('textbox', { name: 'What it is for' }).fill('Writes to the customer, once you agree with the letter.');
  await change.getByRole('textbox', { name: 'Teams' }).fill('service');
  await change.getByRole('button', { name: 'Change', exact: true }).click();
  await expect(page.getByRole('row', { name: /Refunds.*page-user, service/ })).toBeVisible();
  await ask(page.request, '/workflow-pages', { name: 'talk', kind: 'chat', workflow: 'talk-page', feature_id, budget: { usd: '5' }, title: 'Talk' });
  await ask(page.request, '/workflow-pages', { name: 'spent', kind: 'form', workflow: 'refund-page', feature_id, budget: { usd: '0.000001' }, title: 'Spent' });

  // Somebody signs in at its address and comes out there.
  const hers = await paula(browser, page.request);
  await hers.goto('./p/refunds');
  await hers.getByLabel('E-mail').fill(EMAIL);
  await hers.getByRole('textbox', { name: 'Password' }).fill(PASSWORD);
  await hers.getByRole('button', { name: 'Sign in' }).click();
  await expect(hers.getByRole('heading', { level: 1, name: 'Refunds' })).toBeVisible();
  await expect(hers.getByRole('navigation')).toHaveCount(0);
  await settled(hers);
  await look(hers, 'page-form');
  await hers.setViewportSize({ width: 390, height: 844 });
  await hers.screenshot({ path: 'shots/page-form-phone.png', fullPage: true });
  expect(await hers.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await hers.setViewportSize({ width: 1280, height: 900 });

  // The server says what doesn't fit, at its field; then it runs and asks her.
  await hers.getByRole('textbox', { name: 'Order number' }).fill('12');
  await hers.getByRole('textbox', { name: 'Amount in euros' }).fill('40');
  await hers.getByRole('combobox', { name: 'Reason' }).selectOption('late');
  await hers.getByRole('button', { name: 'Send' }).click();
  await expect(hers.getByRole('textbox', { name: 'Order number' })).toHaveAttribute('aria-invalid', 'true');
  await look(hers, 'page-form-refused');
  await hers.getByRole('textbox', { name: 'Order number' }).fill('123456');
  await hers.getByRole('button', { name: 'Send' }).click();
  await expect(hers.getByRole('heading', { name: /You are asked: Is this letter right/ })).toBeVisible({ timeout: WAIT_MS });
  await look(hers, 'page-asked');
  await hers.getByRole('button', { name: 'Approve' }).click();
  await expect(hers.getByText('<img src=x onerror=alert(1)> sent for 123456')).toBeVisible({ timeout: WAIT_MS });
  await expect(hers.locator('main img')).toHaveCount(0);
  await look(hers, 'page-result');

  // A chat, with all that was said before.
  await hers.goto('./p/talk');
  await hers.getByRole('textbox', { name: 'Message' }).fill('Where is my parcel?');
  await hers.getByRole('button', { name: 'Send' }).click();
  const said = hers.getByRole('list', { name: 'Conversation' });
  await expect(said.getByRole('listitem')).toHaveCount(2, { timeout: WAIT_MS });
  await hers.getByRole('textbox', { name: 'Message' }).fill('And when does it come?');
  await hers.getByRole('button', { name: 'Send' }).click();
  await expect(said.getByRole('listitem')).toHaveCount(4, { timeout: WAIT_MS });
  await look(hers, 'page-chat');

  // A budget that is used up is said.
  await hers.goto('./p/spent');
  await hers.getByRole('textbox', { name: 'Order number' }).fill('123456');
  await hers.getByRole('textbox', { name: 'Amount in euros' }).fill('1');
  await hers.getByRole('button', { name: 'Send' }).click();
  await expect(hers.getByRole('alert')).toContainText('The budget of this page is used up', { timeout: WAIT_MS });
  await look(hers, 'page-spent');

  // Nothing else is there for her.
  await hers.goto('./p');
  await expect(hers.getByRole('link', { name: 'Open Refunds' })).toBeVisible();
  await look(hers, 'pages');
  await expect(hers.getByRole('link', { name: /Overview|Requests|Workflows|Keys/ })).toHaveCount(0);
  await hers.goto('./requests');
  await expect(hers.getByText('There is no such page')).toBeVisible();

  // Revoked: it is gone for her.
  await page.getByRole('row', { name: /Refunds/ }).getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('refunds');
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await expect(page.getByRole('row', { name: /Refunds/ })).toHaveCount(0);
  await hers.goto('./p/refunds');
  await expect(hers.getByRole('alert')).toBeVisible();
  await hers.context().close();
});
