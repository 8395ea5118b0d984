import { expect, look, open, settled, test } from './journey';

test.describe.configure({ timeout: 240_000 }); // many pictures

test('a budget is made, its burn-down is drawn, and it goes by its name', async ({ page }) => {
  await open(page, '/budgets', 'Budgets');
  await look(page, 'budgets');
  await page.getByRole('button', { name: 'New budget' }).click();
  const dialog = page.getByRole('dialog', { name: 'New budget' });
  await dialog.getByLabel('Name').fill('journey-budget');
  await dialog.getByRole('textbox', { name: 'Limit' }).fill('12.5');
  await look(page, 'budgets-new');
  await dialog.getByRole('button', { name: 'Create the budget' }).click();
  await page.getByRole('row', { name: /journey-budget/ }).click();
  const about = page.getByRole('dialog', { name: 'journey-budget', exact: true });
  await expect(about).toContainText('$12.50 / month');
  await settled(page);
  await look(page, 'budgets-one');
  await about.getByRole('button', { name: 'Edit' }).click();
  const form = page.getByRole('dialog', { name: 'Edit: journey-budget' });
  await form.getByRole('textbox', { name: 'Limit' }).fill('20');
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(about).toContainText('$20.00 / month');
  await about.getByRole('button', { name: 'Delete' }).click();
  const danger = page.getByRole('dialog', { name: 'Delete journey-budget' });
  await expect(danger).toContainText('Nothing holds default to $20.00 / month any more.');
  await danger.getByLabel('Type journey-budget to confirm').fill('journey-budget');
  await danger.getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByRole('row', { name: /journey-budget/ })).toHaveCount(0);
});
