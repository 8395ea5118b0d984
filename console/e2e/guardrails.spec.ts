import { expect, look, open, settled, test } from './journey';

test.describe.configure({ timeout: 240_000 }); // many pictures

test('a card number is blocked and its trigger is seen; a find is judged', async ({ page, request }) => {
  const say = (content: string) =>
    request.post('/v1/chat/completions', { headers: { authorization: `Bearer ${process.env.LEGATO_HELPDESK_KEY}` }, data: { model: 'chat', messages: [{ role: 'user', content }] } });
  expect((await say('Pay with 4111 1111 1111 1111 please')).status()).toBe(400);
  expect((await say('Who lives in Thornbury?')).status()).toBe(200);
  await expect(async () => {
    await open(page, '/guardrails', 'Guardrails');
    await expect(page.getByRole('row', { name: /cards CREDIT_CARD block/ })).toBeVisible({ timeout: 2_000 });
  }).toPass();
  await look(page, 'guardrails');
  await page.getByRole('row', { name: /cards CREDIT_CARD block/ }).click();
  const about = page.getByRole('dialog');
  await about.getByRole('button').filter({ hasText: /^[0-9a-f]{32}$/ }).first().click();
  await expect(about.getByRole('region', { name: 'What happened' })).toContainText('answered 400 input_blocked');
  await expect(about).not.toContainText('4111');
  await look(page, 'guardrails-rule');
  await page.keyboard.press('Escape');
  await expect(async () => {
    await page.goto('./guardrails?tab=samples');
    await expect(page.getByRole('row', { name: /places/ }).first()).toBeVisible({ timeout: 3_000 });
  }).toPass();
  await look(page, 'guardrails-samples');
  await page.getByRole('row', { name: /places/ }).first().click();
  await page.getByRole('button', { name: 'It is right' }).click();
  await page.getByRole('dialog', { name: 'The find is right' }).getByRole('button', { name: 'It is right' }).click();
  await expect(page.getByRole('dialog', { name: 'Samples to judge' })).toContainText('confirmed');
  await settled(page);
  await look(page, 'guardrails-sample');
});

test('a text is tried on policies of the file and on a draft, and nothing is sent', async ({ page }) => {
  await open(page, '/guardrails?tab=try', 'Guardrails');
  await page.getByRole('textbox', { name: 'Text' }).fill('Kestrel is paid with 4111 1111 1111 1111');
  await page.getByRole('button', { name: 'Look' }).click();
  await expect(page.getByText('It is blocked')).toBeVisible();
  const marked = page.getByRole('region', { name: 'Where something was found' }).locator('mark');
  await expect(marked).toHaveText(['Kestrel', '4111 1111 1111 1111']);
  await expect(page.getByRole('row', { name: /^4111 1111 1111 1111 CREDIT_CARD block cards/ })).toBeVisible();
  await look(page, 'guardrails-try');
  await page.getByRole('combobox', { name: 'By which policies' }).selectOption('a draft');
  await page.getByRole('textbox', { name: 'Text' }).fill('Ask <b>Angela Merkel</b>');
  await page.getByRole('button', { name: 'Look' }).click();
  await expect(marked).toHaveText(['Angela Merkel']);
  await expect(page.getByText('It is redacted')).toBeVisible();
  await page.getByRole('textbox', { name: 'Draft, as JSON' }).fill('{');
  await page.getByRole('button', { name: 'Look' }).click();
  await expect(page.getByText('This is no JSON.')).toBeVisible();
  await look(page, 'guardrails-draft');
});
