import { expect, look, settled, test } from './journey';

test.use({ signedOut: true });

const legato = process.env.LEGATO_SSO_URL ?? '';
const provider = process.env.OPENID_URL ?? '';

test('who the provider gives no role is told so; who has one comes in and sees it', async ({ page, request, forgive }) => {
  test.skip(!legato, 'the OpenID provider is not installed: make .make/node');
  forgive(/401/); // nobody is signed in yet
  const told = (person: object) => request.put(`${provider}/test/person`, { data: person });
  await told({ sub: 'nobody', email: 'nobody@example.com', email_verified: true, groups: ['visitors'] });
  await page.goto(`${legato}/ui/account`);
  await page.getByRole('link', { name: 'Continue with Staff' }).click();
  await expect(page.getByRole('alert')).toContainText('none of what it says of you is a role here');
  await settled(page);
  await look(page, 'single-sign-on-refused');
  await page.context().clearCookies(); // the provider's own, which remember who was there
  await told({ sub: 'ann', name: 'Ann', email: 'ann@example.com', email_verified: true, groups: ['platform'] });
  await page.goto(`${legato}/ui/account`);
  await page.getByRole('link', { name: 'Continue with Staff' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Your account' })).toBeVisible({ timeout: 60_000 });
  await expect(page).toHaveURL(`${legato}/ui/account`);
  const may = page.getByRole('region', { name: 'What you may do' });
  await expect(may).toContainText('ann@example.com');
  await expect(may).toContainText('admin · every organisation');
  await expect(page.getByRole('region', { name: 'Change your password' })).toHaveCount(0);
});
