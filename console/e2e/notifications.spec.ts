import { expect, look, open, test } from './journey';

test.describe.configure({ timeout: 240_000 }); // many pictures

test('a channel is tried, and it is seen that nobody answers there', async ({ page }) => {
  await open(page, '/notifications?tab=channels', 'Notifications');
  await page.getByRole('button', { name: 'Send a test by hook' }).click();
  await expect(page.getByText('A test by hook is on its way')).toBeVisible();
  await look(page, 'notifications-channels');
  await page.getByRole('tab', { name: 'What was told' }).click();
  const row = page.getByRole('row', { name: /info test .*hook: waiting/ }).first();
  await expect(async () => {
    await page.reload();
    await row.click({ timeout: 3_000 });
    await expect(page.getByRole('dialog').getByRole('row', { name: /hook waiting [1-9]/ })).toBeVisible({ timeout: 3_000 });
  }).toPass({ timeout: 60_000 });
  const one = page.getByRole('dialog');
  await look(page, 'notifications-one');
  await one.getByRole('button', { name: 'Send again' }).click();
  await expect(one.getByText('It will be sent again within seconds.')).toBeVisible();
  await page.keyboard.press('Escape');
  await look(page, 'notifications');
  await page.getByRole('combobox', { name: 'With a delivery that is' }).selectOption('sent');
  await expect(page.getByText('Nothing was told')).toBeVisible();

  await page.getByRole('tab', { name: 'Weekly digest' }).click();
  await page.getByLabel('Team').fill('platform');
  await page.getByRole('button', { name: 'Show its last week' }).click();
  await expect(page.getByRole('region', { name: 'The week in words' })).toBeVisible();
  await look(page, 'notifications-digest');
});
