import { expect, look, open, settled, test } from './journey';

test('a request says why it went where it went, where its time went and what it cost', async ({ page }) => {
  await open(page, '/requests', 'Requests');
  const table = page.getByRole('table', { name: 'Requests, newest first' });
  await look(page, 'requests');
  // By keyboard: into the table, down a row, open it.
  await table.getByRole('row').nth(1).focus();
  await page.keyboard.press('ArrowDown');
  await expect(table.getByRole('row').nth(2)).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/request=/);
  await expect(page.getByRole('dialog', { name: 'Request' })).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);

  await table.getByRole('row', { name: /careful.*large.*200/ }).first().click();
  const drawer = page.getByRole('dialog', { name: 'Request' });
  await expect(drawer.getByText('Answered by a deployment')).toBeVisible();
  await expect(drawer.getByText('Route careful (ordered) chose among large then.')).toBeVisible();
  await look(page, 'requests-why');
  await drawer.getByRole('tab', { name: 'Where the time went' }).click();
  await expect(drawer.getByRole('row', { name: /call/ })).toBeVisible();
  await look(page, 'requests-time');
  await drawer.getByRole('tab', { name: 'Cost', exact: true }).click();
  await expect(drawer.getByRole('table', { name: 'Entries of the ledger' })).toBeVisible();
  await page.reload();
  await expect(drawer.getByRole('tab', { name: 'Cost', exact: true })).toHaveAttribute('aria-selected', 'true');
});

test('what is asked for and answered is shown as characters and does nothing', async ({ page }) => {
  const outside: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(process.env.LEGATO_URL ?? '')) outside.push(request.url());
  });
  const found = await page.request.get(`/api/v1/captures?limit=500`);
  const { data } = (await found.json()) as { data: { request_id: string; input_tokens: number }[] };
  for (const { request_id } of data) {
    const shown = await (await page.request.get(`/api/v1/captures/${request_id}`)).text();
    if (!shown.includes('<script>')) continue;
    await open(page, `/requests?request=${request_id}&tab=content`, 'Requests');
    await expect(page.getByText(/<script>document\.title='owned'/).first()).toBeVisible();
    await settled(page);
    await expect(page).not.toHaveTitle('owned');
    await expect(page.getByRole('dialog').locator('pre script, pre img, pre a')).toHaveCount(0);
    await look(page, 'requests-content');
    expect(outside).toEqual([]);
    return;
  }
  throw new Error('no captured request holds the script');
});

test('filters stand in the address; what was blocked says by which rule', async ({ page }) => {
  await open(page, '/requests', 'Requests');
  await page.getByRole('textbox', { name: 'Error code' }).fill('input_blocked');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/code=input_blocked/);
  const rows = page.getByRole('table', { name: 'Requests, newest first' }).locator('tbody tr');
  await expect(rows.filter({ hasNotText: 'input_blocked' })).toHaveCount(0);
  await rows.last().click(); // other journeys have theirs blocked, too
  await expect(page.getByText(/Rule keys of .*company.* found CUSTOM:key: block/)).toBeVisible();
  await open(page, '/requests?model=no-such-model', 'Requests');
  await expect(page.getByText('No request matches')).toBeVisible();
  await look(page, 'requests-empty');
});

test('a request is decided again, asked of another model, and compared with a second one', async ({ page }) => {
  await open(page, '/requests?model=careful&status=ok', 'Requests');
  const rows = page.getByRole('table', { name: 'Requests, newest first' }).locator('tbody tr');
  await rows.nth(1).click();
  const drawer = page.getByRole('dialog', { name: 'Request' });
  await drawer.getByRole('tab', { name: 'Replay' }).click();
  await drawer.getByRole('button', { name: 'Decide it again' }).click();
  await expect(drawer.getByText('It comes out the same')).toBeVisible();
  const ask = drawer.getByRole('region', { name: 'Ask another model' });
  await ask.getByLabel('API key').fill(process.env.LEGATO_CALLER_KEY ?? '');
  await ask.getByRole('combobox', { name: 'Model or route' }).fill('small');
  await page.keyboard.press('Escape'); // the list of models
  await ask.getByRole('button', { name: 'Ask', exact: true }).click();
  const beside = ask.getByRole('table', { name: 'Then and now' });
  await expect(beside.getByRole('row', { name: /^Asked for careful ≠ small/ })).toBeVisible();
  await expect(beside.getByRole('row', { name: /^Cost \$0\.\d+ ≠ \$0\.\d+/ })).toBeVisible();
  await look(page, 'requests-replay');

  await drawer.getByRole('button', { name: 'Compare with another' }).click();
  await expect(page.getByText(/^Open the request to compare with/)).toBeVisible();
  await rows.first().click();
  const pairs = drawer.getByRole('table', { name: 'Two requests beside each other' });
  await expect(pairs.getByRole('row', { name: /^Asked for careful careful/ })).toBeVisible();
  await expect(pairs.getByRole('row', { name: /^Request .* ≠ / })).toBeVisible();
  await expect(drawer.getByRole('region', { name: 'What differs in what was asked' }).locator('ins').first()).toBeVisible();
  await look(page, 'requests-compare');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Don’t compare' }).click();
  await expect(page).not.toHaveURL(/against=/);
});

test('filters are kept under a name, and one opens them again', async ({ page }) => {
  await open(page, '/requests?code=input_blocked&range=24h', 'Requests');
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('menuitem', { name: 'Save this view' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Blocked today');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await open(page, '/requests', 'Requests');
  await page.getByRole('button', { name: 'Views' }).click();
  await expect(page.getByRole('menuitem', { name: 'Blocked today', exact: true })).toBeVisible();
  await look(page, 'requests-views');
  await page.getByRole('menuitem', { name: 'Blocked today', exact: true }).click();
  await expect(page).toHaveURL(/code=input_blocked/);
  await expect(page).toHaveURL(/range=24h/);
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('menuitem', { name: 'Forget Blocked today' }).click();
  await page.getByRole('button', { name: 'Views' }).click();
  await expect(page.getByRole('menuitem')).toHaveCount(1);
});
