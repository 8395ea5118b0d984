import { expect, look, open, test } from './journey';

test('savings close, and a report is made of them', async ({ page }) => {
  await open(page, '/economics', 'Economics');
  await expect(page.getByText('modelled, not measured')).toBeVisible();
  await look(page, 'economics-savings');

  await page.getByRole('tab', { name: 'Reports' }).click();
  const file = page.waitForEvent('download');
  await page.getByRole('combobox', { name: 'Report' }).click();
  await page.getByRole('option', { name: 'What AI costs and what was saved' }).click();
  await page.getByRole('button', { name: 'Make and download' }).click();
  expect((await file).suggestedFilename()).toBe('savings.pdf');
  await expect(page.getByText(/Made\. Digest sha256:[0-9a-f]{64}, event \d+/)).toBeVisible();
  await look(page, 'economics-reports');
});

test('each bar leads to the requests that it is made of', async ({ page }) => {
  await open(page, '/economics', 'Economics');
  await page.getByRole('region', { name: 'Where the savings come from' }).getByText('Table', { exact: true }).click();
  await page.getByRole('link', { name: 'Requests behind Routing' }).click();
  await expect(page).toHaveURL(/step=routing/);
  await expect(page.getByRole('row', { name: /service \/ helpdesk|platform \/ letters/ }).first()).toBeVisible();
  await expect(page.getByRole('cell', { name: 'hit', exact: true })).toHaveCount(0); // what the cache answered saved by the cache
  await look(page, 'requests-of-routing');
});

test('the plan asks for what it needs', async ({ page, forgive }) => {
  forgive(/finance\/plan/); // refused until somebody says what building it cost
  await open(page, '/economics?tab=plan', 'Economics');
  await expect(page.getByText('The plan needs figures')).toBeVisible();
  await page.getByLabel('Value').fill('40000');
  await page.getByLabel('Source').fill('labour of building, 2026');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Net present value', { exact: true })).toBeVisible();
  await look(page, 'economics-plan');

  await page.getByRole('tab', { name: 'Assumptions' }).click();
  await expect(page.getByRole('row', { name: /initial\.usd/ })).toContainText('labour of building, 2026');
  await look(page, 'economics-assumptions');
});

test('scale and profit are shown by deployment and feature', async ({ page }) => {
  await open(page, '/economics?tab=scale', 'Economics');
  await expect(page.getByText('Cost at 1×, 10× and 100×')).toBeVisible();
  await look(page, 'economics-scale');

  await page.getByRole('tab', { name: 'Profit and loss' }).click();
  await expect(page.getByRole('row', { name: /^all/ })).toBeVisible();
  await look(page, 'economics-pnl');
});
