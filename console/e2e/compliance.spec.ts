import { readFile } from 'node:fs/promises';
import { expect, look, open, settled, test } from './journey';

test.describe.configure({ timeout: 240_000 }); // many pictures

test('controls are looked at now, and a framework reports', async ({ page }) => {
  await open(page, '/compliance', 'Compliance');
  await page.getByRole('button', { name: 'Look now' }).click();
  await expect(page.getByText(/\d+ checks looked/)).toBeVisible({ timeout: 60_000 });
  await page.getByRole('combobox', { name: 'Framework' }).selectOption('gdpr');
  await expect(page).toHaveURL(/framework=gdpr/);
  await settled(page);
  await look(page, 'compliance');
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Report (JSON)' }).click()]);
  expect(JSON.parse(await readFile(await file.path(), 'utf8'))).toMatchObject({ framework: 'gdpr' });
  await page.getByRole('row', { name: /GDPR/ }).first().click();
  await settled(page);
  await look(page, 'compliance-one');
});
