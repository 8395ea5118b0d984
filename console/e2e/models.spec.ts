import { expect, look, open, settled, test } from './journey';

test.describe.configure({ timeout: 240_000 }); // many pictures

test('deployments, routes and the cache show how they are; a purge asks for what it forgets', async ({ page, forgive }) => {
  forgive(/400.*what-if|what-if.*400|status of 400/); // nothing of that route is captured
  await open(page, '/models', 'Models and routes');
  await expect(page.getByRole('row', { name: /^small pretend small.*closed known/ })).toBeVisible();
  await look(page, 'models');
  await page.getByRole('tab', { name: 'Routes' }).click();
  await expect(page.getByRole('row', { name: /^careful healthy/ })).toBeVisible();
  await open(page, '/cache', 'Cache');
  await expect(page.getByText(/\d+ of \d+, last 30 days/)).toBeVisible();
  await look(page, 'cache');
  const whatIf = page.getByRole('region', { name: 'What if the bound were another' });
  await whatIf.getByLabel('Route').fill('careful');
  await whatIf.getByRole('button', { name: 'Try' }).click();
  await expect(whatIf.getByRole('alert')).toContainText('cache.semantic', { timeout: 30_000 });
  await page.getByRole('button', { name: 'Purge' }).click();
  const danger = page.getByRole('dialog', { name: 'Purge the cache' });
  await danger.getByLabel('Type all to confirm').fill('all');
  await danger.getByRole('button', { name: 'Purge' }).click();
  await expect(page.getByText(/\d+ forgotten\./)).toBeVisible();
  await settled(page);
});
