import { readFile } from 'node:fs/promises';
import { expect, look, open, settled, test } from './journey';

test.describe.configure({ timeout: 240_000 }); // many pictures

test('an event is found, proved in the browser, and its proof is kept', async ({ page }) => {
  await open(page, '/audit', 'Audit');
  await look(page, 'audit');
  await page.getByLabel('What (exactly)').fill('account.create');
  await expect(page).toHaveURL(/action=account.create/);
  await page.getByRole('row', { name: /account.create/ }).first().click();
  await page.getByRole('button', { name: 'Verify in this browser' }).click();
  const proof = page.getByRole('region', { name: 'Proof' });
  await expect(proof).toContainText('It is in the log');
  await expect(proof).toContainText('signed by the key of the log');
  await settled(page);
  await look(page, 'audit-proof');
  const [file] = await Promise.all([page.waitForEvent('download'), proof.getByRole('button', { name: 'Export this proof' }).click()]);
  const kept = JSON.parse(await readFile(await file.path(), 'utf8')) as { leaf: string; key: string };
  expect(kept.leaf).toContain('account.create');
  expect(kept.key).toContain('legato/audit/');
});
