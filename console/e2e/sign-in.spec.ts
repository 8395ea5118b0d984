import { expect, look, settled, test } from './journey';

test.use({ signedOut: true });

test('a person signs in by password, comes out where they wanted, and signs out', async ({ page, forgive }) => {
  forgive(/401/); // nobody is signed in yet, and a wrong password is refused
  await page.goto('./?range=24h');
  await expect(page.getByRole('heading', { name: 'Sign in to Legato' })).toBeVisible();
  await settled(page);
  await look(page, 'sign-in');
  await page.getByLabel('E-mail').fill(process.env.LEGATO_EMAIL ?? '');
  await page.getByRole('textbox', { name: 'Password' }).fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await page.getByRole('textbox', { name: 'Password' }).fill(process.env.LEGATO_PASSWORD ?? '');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  await expect(page).toHaveURL(/range=24h/);
  await page.reload();
  await expect(page.getByRole('heading', { level: 1, name: 'Overview' })).toBeVisible();
  await page.getByRole('button', { name: process.env.LEGATO_EMAIL ?? '' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in to Legato' })).toBeVisible();
});

test('a key signs in for as long as the tab lives, and sees only what it may', async ({ page, forgive }) => {
  forgive(/401/);
  await page.goto('./');
  await page.getByRole('tab', { name: 'By a key' }).click();
  await page.getByRole('textbox', { name: 'Key or token' }).fill(process.env.LEGATO_CALLER_KEY ?? '');
  await page.getByRole('button', { name: 'Use this key' }).click();
  await expect(page.getByRole('navigation', { name: 'Pages' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Overview' })).toHaveCount(0);
  const stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]));
  expect(stored).not.toContain(process.env.LEGATO_CALLER_KEY);
  await page.reload();
  await expect(page.getByRole('heading', { name: 'Sign in to Legato' })).toBeVisible();
});
