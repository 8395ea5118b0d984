import { expect, look, open, test } from './journey';

test('the overview says what was spent and saved, as charts and as tables', async ({ page }) => {
  await open(page, '/', 'Overview');
  const main = page.getByRole('main');
  await expect(main.getByText('modelled by prices')).toBeVisible();
  const mix = main.getByRole('region', { name: 'Routing mix' });
  await expect(mix.getByRole('row', { name: /small/ })).toBeVisible();
  await look(page, 'overview');
  const days = main.getByRole('region', { name: 'Cost and baseline by day' });
  await days.getByText('Table', { exact: true }).click();
  await expect(days.getByRole('row').nth(7)).toBeVisible(); // a heading and seven days
  await look(page, 'overview-table');
});

test('days without calls show the call that fills them', async ({ page }) => {
  await open(page, '/?range=2026-01-01..2026-01-02', 'Overview');
  await expect(page.getByText('/v1/chat/completions')).toBeVisible();
  await look(page, 'overview-empty');
});

test('a call that is made meanwhile is on the page without asking', async ({ page, request }) => {
  await open(page, '/', 'Overview');
  await expect(page.getByTestId('live')).toHaveAttribute('data-state', 'live');
  const mix = page.getByRole('region', { name: 'Routing mix' }).getByRole('table');
  const before = await mix.textContent();
  const answer = await request.post('/v1/chat/completions', {
    headers: { authorization: `Bearer ${process.env.LEGATO_CALLER_KEY}` },
    data: { model: 'careful', messages: [{ role: 'user', content: `Something new at ${Date.now()}` }] },
  });
  expect(answer.status()).toBe(200);
  await expect.poll(() => mix.textContent(), { timeout: 25_000 }).not.toBe(before);
});
