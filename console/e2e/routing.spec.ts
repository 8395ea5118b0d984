import { expect, look, open, settled, test } from './journey';

test.describe.configure({ timeout: 240_000 }); // many pictures

test('what a route costs and is worth is seen once callers have said how good its answers were', async ({ page, request, forgive }) => {
  forgive(/400.*floor|floor.*400|status of 400/); // a route that guarantees nothing
  const headers = { authorization: `Bearer ${process.env.LEGATO_CALLER_KEY}` };
  for (const [number, thumbs] of ['up', 'up', 'down'].entries()) {
    const answered = await request.post('/v1/chat/completions', { headers, data: { model: 'careful', messages: [{ role: 'user', content: `How is route ${number}, ${Date.now()}?` }] } });
    expect(answered.status()).toBe(200);
    const told = await request.post('/v1/feedback', { headers, data: { request_id: answered.headers()['x-legato-request-id'], thumbs } });
    expect(told.status(), await told.text()).toBeLessThan(300);
  }
  await open(page, '/routing', 'Routing');
  await expect(page.getByRole('row', { name: /^careful healthy ordered large large [1-9]\d* \$0\.0/ })).toBeVisible(); // no row keeps a figure of before it was known
  await expect(async () => {
    await page.goto('./routing?route=careful');
    await expect(page.getByRole('region', { name: 'Deployments of careful' }).getByRole('row', { name: /^large .* \$0\.0\d+ 66\.7% .* [1-9]\d* on it/ })).toBeVisible({ timeout: 4_000 });
  }).toPass({ timeout: 60_000 });
  await settled(page);
  await look(page, 'routing');
  await page.getByRole('combobox', { name: 'Quality by' }).selectOption('score');
  await expect(page).toHaveURL(/measure=score/);
  await expect(page.getByText('Nobody said yet how good these answers are')).toBeVisible();
  await expect(page.getByText('It guarantees no quality')).toBeVisible();
  const whatIf = page.getByRole('region', { name: 'What if' });
  await whatIf.getByLabel('Deployments, in order').fill('small');
  await whatIf.getByRole('button', { name: 'Try' }).click();
  await expect(whatIf.getByRole('row', { name: /^Cost \$0\.\d+ \$0\.\d+ −\$0\.\d+/ })).toBeVisible({ timeout: 30_000 });
  await expect(whatIf.getByText('so does the recorded world')).toBeVisible();
  await settled(page);
  await look(page, 'routing-what-if');
});
