import { expect, look, open, test } from './journey';

test('a shorter term is set and taken away, and an organisation is held to regions for a while', async ({ page, forgive }) => {
  forgive(/404/); // a team that isn't there

  await open(page, '/retention', 'Retention and regions');
  await page.getByRole('button', { name: 'Set a shorter term' }).click();
  const form = page.getByRole('dialog', { name: 'Set a shorter term' });
  await form.getByRole('combobox', { name: 'Kind' }).selectOption('captures');
  await form.getByRole('textbox', { name: 'Days to keep' }).fill('5');
  await form.getByRole('button', { name: 'Set it' }).click();
  const terms = page.getByRole('region', { name: 'Terms set here' });
  await expect(terms.getByRole('row', { name: /captures default 5/ })).toBeVisible();
  await look(page, 'retention');
  await terms.getByRole('button', { name: 'Take away the term of captures' }).click();
  await expect(terms.getByText('None is set here')).toBeVisible();

  const headers = { authorization: `Bearer ${process.env.LEGATO_ADMIN_KEY}` };
  const { data } = await (await page.request.get('/api/v1/organisations', { headers })).json();
  const own = data.find((one: { name: string }) => one.name === 'default');
  expect((await page.request.post(`/api/v1/organisations/${own.id}/teams`, { headers, data: { name: 'at-home' } })).status()).toBe(201);
  await page.getByRole('tab', { name: 'Regions' }).click();
  await expect(page.getByText('Calls may go anywhere')).toBeVisible();
  await page.getByRole('button', { name: 'Hold to regions' }).click();
  const held = page.getByRole('dialog', { name: 'Hold to regions' });
  await held.getByRole('textbox', { name: 'Regions, separated by commas' }).fill('eu-central-1, eu-west-1');
  await held.getByRole('textbox', { name: 'Team' }).fill('nobodys');
  await held.getByRole('button', { name: 'Hold', exact: true }).click();
  await expect(held.getByText('default has no team nobodys')).toBeVisible();
  await held.getByRole('textbox', { name: 'Team' }).fill('at-home');
  await held.getByRole('button', { name: 'Hold', exact: true }).click();
  await expect(page.getByText(/Shut out from now on: .*careful/)).toBeVisible();
  await expect(page.getByRole('row', { name: /default\/at-home eu-central-1, eu-west-1/ })).toBeVisible();
  await look(page, 'residency');
  await page.getByRole('button', { name: 'Let calls go anywhere: default/at-home' }).click();
  const sure = page.getByRole('dialog', { name: 'Let calls go anywhere again' });
  await sure.getByRole('textbox').fill('default/at-home');
  await sure.getByRole('button', { name: 'Let calls go anywhere' }).click();
  await expect(page.getByText('Calls may go anywhere')).toBeVisible();
});
