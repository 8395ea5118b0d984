import { expect, look, open, settled, test } from './journey';

test.describe.configure({ timeout: 240_000 }); // many pictures

test('an incident is opened, acknowledged and resolved; an objective is set and stands', async ({ page }) => {
  await open(page, '/alerts', 'Alerts and incidents');
  await look(page, 'alerts');
  await page.getByRole('button', { name: 'Open an incident' }).click();
  const form = page.getByRole('dialog', { name: 'Open an incident' });
  await form.getByLabel('What').fill('Answers about invoices are wrong');
  await form.getByLabel('Runbook').fill('https://wiki.example/invoices');
  await form.getByRole('button', { name: 'Open it' }).click();
  await page.getByRole('row', { name: /Answers about invoices/ }).click();
  const about = page.getByRole('dialog', { name: 'Answers about invoices are wrong', exact: true });
  await expect(about.getByRole('link')).toHaveAttribute('href', 'https://wiki.example/invoices');
  await about.getByRole('button', { name: 'Acknowledge' }).click();
  await page.getByRole('dialog', { name: /^Acknowledge/ }).getByRole('button', { name: 'Acknowledge' }).click();
  await expect(about).toContainText('acknowledged');
  await look(page, 'alerts-incident');
  await about.getByRole('button', { name: 'Resolve' }).click();
  const over = page.getByRole('dialog', { name: /^Resolve/ });
  await over.getByLabel('Cause').selectOption('data');
  await over.getByRole('button', { name: 'Resolve' }).click();
  await expect(about).toContainText('resolved');
  await page.keyboard.press('Escape');
  await page.getByRole('tab', { name: 'Objectives' }).click();
  await page.getByRole('button', { name: 'New objective' }).click();
  const objective = page.getByRole('dialog', { name: 'New objective' });
  await objective.getByRole('textbox', { name: 'Name' }).fill('answers');
  await objective.getByRole('button', { name: 'Set the objective' }).click();
  await page.getByRole('row', { name: /answers errors/ }).click();
  await expect(page.getByRole('dialog', { name: 'answers' })).toContainText('Error budget left');
  await settled(page);
  await look(page, 'alerts-objective');
  await page.keyboard.press('Escape');
  await page.getByRole('tab', { name: 'Anomalies' }).click();
  await settled(page);
  await look(page, 'alerts-anomalies');
});
