import { expect, look, open, test } from './journey';

test('one prompt goes to two models, streams, and shows what it cost', async ({ page }) => {
  await open(page, '/playground', 'Playground');
  await page.getByLabel('API key to call with').fill(process.env.LEGATO_CALLER_KEY ?? '');
  await page.getByRole('combobox', { name: 'Models' }).click();
  await page.getByRole('option', { name: 'chat', exact: true }).click();
  await page.getByRole('option', { name: 'careful', exact: true }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('textbox', { name: 'Prompt' }).fill('Write two lines about {{topic}}');
  await page.getByLabel('topic', { exact: true }).fill('<b>bridges</b>');
  await page.getByRole('button', { name: 'Run' }).click();
  for (const model of ['chat', 'careful']) {
    const panel = page.getByRole('region', { name: model, exact: true });
    await expect(panel.getByText('Whole answer:')).toBeVisible();
    await expect(panel.getByText(/Cost: \$0\.\d+/)).toBeVisible();
  }
  await expect(page.getByText('bridges').first()).toBeVisible();
  await expect(page.locator('b')).toHaveCount(0); // what a model says is characters, nothing else
  await look(page, 'playground');
  await page.getByRole('button', { name: 'Keep as a prompt' }).click();
  const form = page.getByRole('dialog', { name: 'Keep as a prompt' });
  await expect(form.getByRole('textbox', { name: 'Message 1' })).toHaveValue('Write two lines about {{topic}}');
  await expect(form.getByLabel('Everything else')).toHaveValue(/"topic": "<b>bridges<\/b>"/);
  const name = `bridges-${Date.now()}`;
  await form.getByRole('textbox', { name: 'Name' }).fill(name);
  await form.getByRole('button', { name: 'Save a version' }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
});
