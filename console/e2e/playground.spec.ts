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
});
