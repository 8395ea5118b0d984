import { expect, look, open, settled, test } from './journey';

test.describe.configure({ timeout: 240_000 }); // many pictures

const NAME = `journey-${Date.now().toString(36)}`;

test('a key is made, called with, counted, rotated and revoked', async ({ page, request, forgive }) => {
  forgive(/401/); // the call with the revoked key
  await open(page, '/keys', 'Keys and teams');
  await look(page, 'keys');
  await page.getByRole('button', { name: 'New key' }).click();
  const dialog = page.getByRole('dialog', { name: 'New key' });
  await dialog.getByLabel('Organisation').selectOption({ label: 'default' });
  await dialog.getByLabel('Team').selectOption({ label: 'platform' });
  await dialog.getByLabel('Feature').selectOption({ label: 'letters' });
  await dialog.getByLabel('Name').fill(NAME);
  await look(page, 'keys-new');
  await dialog.getByRole('button', { name: 'Create the key' }).click();
  const secret = await page.getByTestId('secret').textContent();
  await look(page, 'keys-secret');
  await page.getByRole('button', { name: 'I have kept it' }).click();
  const body = { model: 'careful', messages: [{ role: 'user', content: 'Hello from the journey' }] };
  const call = () => request.post('/v1/chat/completions', { headers: { authorization: `Bearer ${secret}` }, data: body });
  expect((await call()).status()).toBe(200);
  await page.getByRole('row', { name: new RegExp(`^${NAME}`) }).click();
  const about = page.getByRole('dialog', { name: NAME, exact: true });
  await expect(async () => {
    await page.reload();
    await expect(about.getByRole('region', { name: 'Used in the last 30 days' })).toContainText('1 request', { timeout: 3_000 });
  }).toPass();
  await settled(page);
  await look(page, 'keys-one');
  await about.getByRole('button', { name: 'Rotate' }).click();
  await page.getByRole('dialog', { name: `New secret for ${NAME}` }).getByRole('button', { name: 'Rotate' }).click();
  await expect(page.getByTestId('secret')).not.toHaveText(secret ?? '');
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await about.getByRole('button', { name: 'Revoke' }).click();
  const danger = page.getByRole('dialog', { name: `Revoke ${NAME}` });
  await expect(danger).toContainText('In the last 30 days it made 1 request');
  await look(page, 'keys-revoke');
  await expect(danger.getByRole('button', { name: 'Revoke' })).toBeDisabled();
  await danger.getByLabel(`Type ${NAME} to confirm`).fill(NAME);
  await danger.getByRole('button', { name: 'Revoke' }).click();
  await expect(about).toContainText('revoked');
  await expect.poll(async () => (await call()).status(), { timeout: 5_000 }).toBe(401);
});

test('a team is added, a service account gets a token, and a role is given', async ({ page }) => {
  await open(page, '/keys?tab=places', 'Keys and teams');
  await page.getByRole('button', { name: /^default/ }).click();
  await page.getByRole('button', { name: 'New team' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('journeys');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('button', { name: 'journeys', exact: true }).click();
  await expect(page.getByRole('region', { name: 'Features' })).toContainText('None yet');
  await look(page, 'keys-places');
  await page.getByRole('tab', { name: 'People and services' }).click();
  await page.getByRole('button', { name: 'New service account' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('pipeline');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('row', { name: /pipeline/ }).click();
  await page.getByRole('button', { name: 'New token' }).click();
  const token = page.getByRole('dialog', { name: 'New token' });
  await token.getByRole('textbox', { name: 'Name' }).fill('nightly');
  await token.getByLabel('Expires').fill(new Date(Date.now() + 86_400_000).toISOString().slice(0, 16));
  await token.getByRole('button', { name: 'Create' }).click();
  await expect(page.getByTestId('secret')).toBeVisible();
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await look(page, 'keys-people');
  await page.keyboard.press('Escape');
  await page.getByRole('tab', { name: 'Roles' }).click();
  await settled(page);
  await look(page, 'keys-roles');
});

test('a role of one’s own and a rule of access are made, asked about and taken away', async ({ page, request, forgive }) => {
  forgive(/403/); // the call that the rule refuses
  await open(page, '/keys?tab=roles', 'Keys and teams');
  await page.getByRole('button', { name: 'New role' }).click();
  const role = page.getByRole('dialog', { name: 'New role' });
  await role.getByRole('textbox', { name: 'Name' }).fill('reader-of-spend');
  await role.getByRole('textbox', { name: 'Title' }).fill('Reads what is spent');
  await expect(role.getByRole('button', { name: 'Create' })).toBeDisabled();
  await role.getByRole('checkbox', { name: 'ledger:read' }).check();
  await look(page, 'keys-new-role');
  await role.getByRole('button', { name: 'Create' }).click();
  await expect(page.getByText('Reads what is spent · 1 permission · default')).toBeVisible();

  const headers = { authorization: `Bearer ${process.env.LEGATO_ADMIN_KEY}` };
  const { data } = (await (await request.get('/api/v1/keys?limit=100', { headers })).json()) as { data: { id: string; name: string }[] };
  const app = data.find((one) => one.name === 'app')?.id ?? '';
  const can = page.getByRole('region', { name: 'May somebody?' });
  await can.getByLabel('Who').fill(`key:${app}`);
  await can.getByLabel('Permission').fill('control:key:create');
  await can.getByRole('button', { name: 'Ask' }).click();
  await expect(can.getByRole('status')).toContainText('No');
  await can.getByLabel('Permission').fill('call:careful');
  await can.getByRole('button', { name: 'Ask' }).click();
  await expect(can.getByRole('status')).toContainText('Yes');
  await look(page, 'keys-can');

  await page.getByRole('button', { name: 'Delete role reader-of-spend' }).click();
  const danger = page.getByRole('dialog', { name: 'Delete role reader-of-spend' });
  await danger.getByLabel('Type reader-of-spend to confirm').fill('reader-of-spend');
  await danger.getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText('Reads what is spent')).toHaveCount(0);

  await page.getByRole('tab', { name: 'Access rules' }).click();
  await page.getByRole('button', { name: 'Add a rule' }).click();
  const rule = page.getByRole('dialog', { name: 'Add a rule' });
  await rule.getByRole('textbox', { name: 'Name', exact: true }).fill('journeys-use-the-small-one');
  await rule.getByLabel('Teams').fill('nobody-else');
  await rule.getByLabel('Models they may name').fill('chat, small*');
  await look(page, 'keys-new-rule');
  await rule.getByRole('button', { name: 'Add a rule' }).click();
  await expect(page.getByRole('row', { name: /journeys-use-the-small-one .*Teams: nobody-else .*Models they may name: chat, small\*/ })).toBeVisible();
  await look(page, 'keys-rules');
  await page.getByRole('button', { name: 'Remove rule journeys-use-the-small-one' }).click();
  const gone = page.getByRole('dialog', { name: 'Remove rule journeys-use-the-small-one' });
  await gone.getByLabel('Type journeys-use-the-small-one to confirm').fill('journeys-use-the-small-one');
  await gone.getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByText('No rule was made here')).toBeVisible();
});
