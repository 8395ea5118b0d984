import { expect, look, open, test } from './journey';

test('a suite is costed and run, its scores read, and an answer reviewed', async ({ page }) => {
  test.setTimeout(180_000);
  const headers = { authorization: `Bearer ${process.env.LEGATO_ADMIN_KEY}` };
  const levels = [{ value: 1, meaning: 'wrong' }, { value: 5, meaning: 'right' }];
  const judge = { spec: { model: 'careful', rubric: { criteria: [{ name: 'right', question: 'Is it right?', levels }] } }, labels: ['production'] };
  expect((await page.request.post('/api/v1/registry/objects/judge/letter-judge/versions', { headers, data: judge })).status()).toBe(201);
  const items = [{ answer: 'Your parcel is on its way.' }, { answer: 'Please fill in form 12.' }];
  expect((await page.request.post('/api/v1/reviews', { headers, data: { judge: 'letter-judge', items } })).status()).toBe(201);

  await open(page, '/evaluations', 'Evaluations');
  await page.getByRole('button', { name: 'Start an evaluation' }).click();
  const form = page.getByRole('dialog', { name: 'Start an evaluation' });
  await form.getByRole('textbox', { name: 'Name', exact: true }).fill('two models');
  await form.getByRole('textbox', { name: /Suite, as JSON/ }).fill(JSON.stringify({ dataset: 'journey-questions@draft', models: ['chat', 'careful'], scorers: [{ use: 'exact' }] }));
  await form.getByRole('combobox', { name: 'For which key' }).selectOption({ label: 'app (platform / letters)' });
  await form.getByRole('button', { name: 'What would it cost?' }).click();
  await expect(form.getByText(/4 answers, roughly \$/)).toBeVisible();
  await form.getByRole('button', { name: 'Start', exact: true }).click();
  const one = page.getByRole('dialog', { name: 'Evaluations' });
  await expect(one.getByText('done', { exact: true })).toBeVisible({ timeout: 60_000 });
  await expect(one.getByRole('table', { name: 'Scores' }).getByRole('row')).toHaveCount(3);
  await expect(one.getByText(/Case .* chat/).first()).toBeVisible();
  await look(page, 'evaluations-one');
  await page.keyboard.press('Escape');
  await look(page, 'evaluations');

  await page.getByRole('tab', { name: 'Data sets' }).click();
  await expect(page.getByRole('row', { name: /journey-questions 1 draft: 1/ })).toBeVisible();
  await page.getByRole('tab', { name: 'Reviews' }).click();
  await page.getByRole('button', { name: 'Review the next' }).click();
  const item = page.getByRole('dialog', { name: 'Answer to review' });
  await expect(item.getByText('Your parcel is on its way.')).toBeVisible();
  await item.getByRole('combobox', { name: 'Is it right?' }).selectOption('5');
  await item.getByRole('button', { name: 'Say it' }).click();
  await expect(item.getByText(/right 5/)).toBeVisible();
  await look(page, 'evaluations-review');
});
