import { expect, look, open, settled, test } from './journey';

test('sample data comes in and goes with one click, marked all along, never among own figures', async ({ page }) => {
  await open(page, '/start', 'Get started');
  const own = await page.request.get('/api/v1/requests?limit=1');
  const banner = page.getByRole('region', { name: 'Sample data' });
  await expect(banner).toHaveCount(0);

  await page.getByRole('button', { name: 'Show sample data' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  await expect(banner).toBeVisible();
  await settled(page);
  await expect(page.getByRole('main').getByText('$0.00', { exact: true })).toHaveCount(0);
  const pages = page.getByRole('navigation', { name: 'Pages' });
  await expect(pages.getByRole('link', { name: 'Playground' })).toHaveCount(0);
  await look(page, 'sample');

  await open(page, '/requests', 'Requests');
  await expect(banner).toBeVisible();
  await expect(page.getByText('sample-frontier').or(page.getByText('helpdesk')).first()).toBeVisible();
  expect((await (await page.request.get('/api/v1/requests?limit=1')).json()).data[0].org).toBe((await own.json()).data[0].org);

  await banner.getByRole('button', { name: 'Remove the sample data' }).click();
  await expect(banner).toHaveCount(0);
  await expect(pages.getByRole('link', { name: 'Playground' })).toBeVisible();
  expect((await (await page.request.get('/api/v1/sample')).json()).made_at).toBeNull();
  expect((await page.request.get('/api/sample/v1/requests')).status()).toBe(404);
});
