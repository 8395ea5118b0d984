import { expect, look, open, settled, test } from './journey';

const EMAIL = `guest-${Date.now().toString(36)}@example.com`;
const FIRST = 'seven lamps by the river';
const NEXT = 'eight lamps by the river';

test.use({ signedOut: true });
test.describe.configure({ timeout: 300_000 }); // many pictures

test('an invited person chooses a password, makes a token, changes the password and ends a session', async ({ page, request, browser, forgive }) => {
  forgive(/401/); // nobody is signed in yet, and the wrong password
  forgive(/400/); // a password that is refused
  const headers = { authorization: `Bearer ${process.env.LEGATO_ADMIN_KEY}` };
  const made = await request.post('/api/v1/accounts', { headers, data: { org: 'default', email: EMAIL } });
  const { account } = (await made.json()) as { account: { id: string } };
  const again = await request.post(`/api/v1/accounts/${account.id}/invite`, { headers });
  const { invitation } = (await again.json()) as { invitation: string };

  await page.goto(`./invitation#${invitation}`);
  await expect(page.getByRole('heading', { name: 'Welcome to Legato' })).toBeVisible();
  await look(page, 'invitation');
  const fields = page.getByRole('textbox');
  await fields.nth(0).fill('short');
  await fields.nth(1).fill('short');
  await page.getByRole('button', { name: 'Begin' }).click();
  await expect(page.getByRole('alert')).toContainText('password');
  await fields.nth(0).fill(FIRST);
  await fields.nth(1).fill(FIRST);
  await page.getByRole('button', { name: 'Begin' }).click();
  await page.getByRole('button', { name: EMAIL }).click();
  await page.getByRole('menuitem', { name: 'Your account' }).click();

  const may = page.getByRole('region', { name: 'What you may do' });
  await expect(may).toContainText('No role');
  const tokens = page.getByRole('region', { name: 'Your tokens' });
  await tokens.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog', { name: 'New token' });
  await dialog.getByRole('textbox', { name: 'Name' }).fill('laptop');
  await dialog.getByLabel('Expires').fill(new Date(Date.now() + 86_400_000).toISOString().slice(0, 16));
  await dialog.getByRole('button', { name: 'Create' }).click();
  const secret = await page.getByTestId('secret').textContent();
  await page.getByRole('button', { name: 'I have kept it' }).click();
  const mine = () => request.get('/api/v1/me', { headers: { authorization: `Bearer ${secret}` } });
  expect((await mine()).status()).toBe(200);

  const elsewhere = await browser.newContext({ baseURL: process.env.LEGATO_URL ?? '' });
  const login = (password: string) => elsewhere.request.post('/api/v1/login', { data: { email: EMAIL, password } });
  expect((await login(FIRST)).status()).toBe(200);
  await open(page, '/account', 'Your account');
  await expect(page.getByRole('row')).toHaveCount(3);
  await look(page, 'account');
  await page.getByRole('button', { name: /^End the session/ }).click();
  await expect(page.getByRole('row')).toHaveCount(2);
  expect((await elsewhere.request.get('/api/v1/me')).status()).toBe(401);

  const password = page.getByRole('region', { name: 'Change your password' });
  const change = async (current: string) => {
    for (const [name, value] of [['Present password', current], ['New password', NEXT], ['New password again', NEXT]] as const) {
      await password.getByRole('textbox', { name, exact: true }).fill(value);
    }
    await password.getByRole('button', { name: 'Change it' }).click();
  };
  await change('not the present one');
  await expect(password.getByRole('alert')).toContainText('present password');
  await change(FIRST);
  await expect(password.getByRole('status')).toContainText('Changed');
  expect((await login(FIRST)).status()).toBe(401);
  expect((await login(NEXT)).status()).toBe(200);
  await elsewhere.close();

  await tokens.getByRole('button', { name: 'Revoke token laptop' }).click();
  const danger = page.getByRole('dialog', { name: 'Revoke token laptop' });
  await danger.getByLabel('Type laptop to confirm').fill('laptop');
  await danger.getByRole('button', { name: 'Revoke' }).click();
  await expect(tokens).toContainText('revoked');
  expect((await mine()).status()).toBe(401);
  await settled(page);
});

test('an invitation of another organisation is taken with the account one is signed in by', async ({ page, request, forgive }) => {
  forgive(/401/); // nobody is signed in yet
  forgive(/404/); // an invitation for somebody else
  const headers = { authorization: `Bearer ${process.env.LEGATO_ADMIN_KEY}` };
  const ask = async (path: string, data: object, by = headers) => {
    const answered = await request.post(`/api/v1${path}`, { headers: by, data });
    expect(answered.ok(), `${path}: ${await answered.text()}`).toBe(true);
    return (await answered.json()) as { account: { id: string }; secret: string; invitation: string };
  };
  const org = `guests-${Date.now().toString(36)}`;
  await ask('/organisations', { name: org });
  const { account: inviter } = await ask('/accounts', { org, kind: 'service', name: 'inviter' });
  await ask('/role-bindings', { subject_kind: 'account', subject_id: inviter.id, role: 'admin', org });
  const expires_at = new Date(Date.now() + 86_400_000).toISOString();
  const { secret } = await ask(`/accounts/${inviter.id}/tokens`, { name: 'ci', expires_at });
  const theirs = { authorization: `Bearer ${secret}` };
  const invite = async (email: string) => {
    const { account } = await ask('/accounts', { org, email }, theirs);
    await ask('/role-bindings', { subject_kind: 'account', subject_id: account.id, role: 'viewer', org }, theirs);
    return (await ask(`/accounts/${account.id}/invite`, {}, theirs)).invitation;
  };
  const email = `joining-${Date.now().toString(36)}@example.com`;
  const { invitation } = await ask('/accounts', { org: 'default', email });

  await page.goto(`./invitation#${invitation}`);
  await page.getByRole('textbox').nth(0).fill(FIRST);
  await page.getByRole('textbox').nth(1).fill(FIRST);
  await page.getByRole('button', { name: 'Begin' }).click();
  await expect(page.getByRole('button', { name: email })).toBeVisible();

  const others = await invite(`other-${email}`);
  await page.goto(`./invitation#${others}`);
  await page.reload(); // a change behind the # alone loads nothing
  await page.getByRole('button', { name: `Accept as ${email}` }).click();
  await expect(page.getByRole('alert')).toContainText('another address');

  const own = await invite(email);
  await page.goto(`./invitation#${own}`);
  await page.reload();
  await page.getByRole('button', { name: `Accept as ${email}` }).click();
  await page.getByRole('button', { name: email }).click();
  await page.getByRole('menuitem', { name: 'Your account' }).click();
  await expect(page.getByRole('region', { name: 'What you may do' })).toContainText(org);
});
