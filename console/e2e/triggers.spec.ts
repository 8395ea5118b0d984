import { expect, look, open, test } from './journey';

const NAME = 'orders-by-event';

test('a trigger is tried, paused and resumed, and what became no run is mended', async ({ page }) => {
  const key = process.env.LEGATO_ADMIN_KEY ?? '';
  const headers = { authorization: `Bearer ${key}` };
  const saved = await page.request.post(`/api/v1/registry/objects/workflow/${NAME}/versions`, {
    headers,
    data: {
      labels: ['production'],
      spec: {
        input: { type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } },
        nodes: [{ id: 'seen', kind: 'set', value: '${input.amount}' }],
        triggers: [{ name: 'placed', kind: 'event', settings: { key: 'app', type: 'order.placed' }, when: 'event.data.amount != 0' }],
      },
    },
  });
  expect(saved.status(), await saved.text()).toBe(201);
  await expect(async () => {
    const event = { specversion: '1.0', id: crypto.randomUUID(), source: 'shop', type: 'order.placed', data: { amount: 'many' } };
    expect((await page.request.post('/api/v1/workflow-events', { headers, data: event })).ok()).toBe(true);
    const letters = await page.request.get(`/api/v1/trigger-letters?workflow=${NAME}`, { headers });
    expect((await letters.json()).data.length).toBeGreaterThan(0);
  }).toPass({ timeout: 30_000 });

  await open(page, '/triggers', 'Triggers');
  await page.getByRole('row', { name: new RegExp(`${NAME}/placed event in force`) }).click();
  const one = page.getByRole('dialog', { name: `${NAME}/placed` });
  await one.getByRole('textbox', { name: 'Data of the event' }).fill('{"amount": 12}');
  await one.getByRole('button', { name: 'Try' }).click();
  await expect(one.getByRole('region', { name: 'It would begin a run with' })).toContainText('12');
  await one.getByRole('button', { name: 'Pause' }).click();
  await expect(one.getByText('brokers keep what comes')).toBeVisible();
  await one.getByRole('button', { name: 'Resume' }).click();
  await expect(one.getByText('listens again')).toBeVisible();
  await look(page, 'triggers-one');
  await page.keyboard.press('Escape');
  await look(page, 'triggers');

  await page.getByRole('tab', { name: 'What became no run' }).click();
  await page.getByRole('row', { name: new RegExp(`${NAME}/placed`) }).first().click();
  const letter = page.getByRole('dialog', { name: 'What became no run' });
  const event = letter.getByRole('textbox', { name: 'Event' });
  await event.fill((await event.inputValue()).replace('"many"', '12'));
  await look(page, 'triggers-letter');
  await letter.getByRole('button', { name: 'Begin its run' }).click();
  await expect(letter.getByText('begun again')).toBeVisible();
});
