import { expect, look, open, test } from './journey';

test('three steps lead to the first call, with what is there already', async ({ page }) => {
  await open(page, '/start', 'Get started');
  const provider = page.getByRole('region', { name: '1. A provider' });
  await expect(provider.getByText('Configured: pretend (simulated).')).toBeVisible();
  const call = page.getByRole('region', { name: '3. The first call' });
  await expect(call.getByText('The newest call came')).toBeVisible();
  await call.getByText('Python', { exact: true }).click();
  await expect(call.getByText(/OpenAI\(base_url="http.*\/v1"/)).toBeVisible();
  await look(page, 'start');
});
