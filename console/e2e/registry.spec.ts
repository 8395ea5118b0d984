import { expect, look, open, settled, test } from './journey';

test.describe.configure({ timeout: 240_000 }); // many pictures

const NAME = `greeting-${Date.now().toString(36)}`;

test('a label is moved and moved back, and a rollout is watched and ended', async ({ page, request }) => {
  for (const [words, labels] of [['Greet them.', ['production']], ['Greet them warmly.', []]] as const) {
    const made = await request.post(`/api/v1/registry/objects/prompt/${NAME}/versions`, {
      headers: { authorization: `Bearer ${process.env.LEGATO_ADMIN_KEY}` },
      data: { owner: 'support', labels, spec: { route: 'chat', messages: [{ role: 'user', content: words }] } },
    });
    expect(made.status()).toBe(201);
  }
  await open(page, '/registry?kind=prompt', 'Versions and rollouts');
  await look(page, 'registry');
  await page.getByRole('row', { name: new RegExp(NAME) }).click();
  const about = page.getByRole('dialog', { name: `prompt/${NAME}`, exact: true });
  await about.getByRole('row', { name: /^2 / }).click();
  await expect(about.getByRole('region', { name: 'Version 2' })).toContainText('+  content: Greet them warmly.');
  await settled(page);
  await look(page, 'registry-one');
  await about.getByRole('button', { name: 'Move a label' }).click();
  await page.getByRole('dialog', { name: `Move a label: ${NAME}` }).getByRole('button', { name: 'Move the label' }).click();
  await expect(about).toContainText('production → 2');
  await about.getByRole('button', { name: 'Roll back' }).click();
  const danger = page.getByRole('dialog', { name: `Roll production of ${NAME} back` });
  await danger.getByLabel(`Type ${NAME} to confirm`).fill(NAME);
  await danger.getByRole('button', { name: 'Roll back' }).click();
  await expect(about).toContainText('production → 1');
  await about.getByRole('button', { name: 'Roll out' }).click();
  await page.getByRole('dialog', { name: `Roll out a version of ${NAME}` }).getByRole('button', { name: 'Roll out' }).click();
  await page.keyboard.press('Escape');
  await page.getByRole('tab', { name: 'Rollouts' }).click();
  await page.getByRole('row', { name: new RegExp(NAME) }).click();
  const rollout = page.getByRole('dialog', { name: 'Rollouts', exact: true });
  await expect(rollout).toContainText('of 200 requests');
  await settled(page);
  await look(page, 'registry-rollout');
  await rollout.getByRole('button', { name: 'Abort' }).click();
  await page.getByRole('dialog', { name: `Abort the rollout of ${NAME}` }).getByRole('button', { name: 'Abort' }).click();
  await expect(rollout).toContainText('aborted');
});
