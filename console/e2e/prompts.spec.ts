import { expect, look, open, settled, test } from './journey';

test.describe.configure({ timeout: 240_000 }); // many pictures

const NAME = `welcome-${Date.now().toString(36)}`;

test('a prompt is written, changed, compared with what it was, tried, and its label moved', async ({ page, forgive }) => {
  forgive(/400/); // the version whose variable isn't declared
  await open(page, '/prompts', 'Prompts');
  await page.getByRole('button', { name: 'New prompt' }).click();
  const fresh = page.getByRole('dialog', { name: 'New prompt' });
  await fresh.getByRole('textbox', { name: 'Name' }).fill(NAME);
  await fresh.getByRole('textbox', { name: 'Route or deployment' }).fill('chat');
  await fresh.getByRole('textbox', { name: 'Message 1' }).fill('You are brief.');
  await fresh.getByRole('textbox', { name: 'Message 2' }).fill('Greet {{name}}.');
  await fresh.getByRole('textbox', { name: 'Point labels to it' }).fill('production');
  await fresh.getByRole('button', { name: 'Save a version' }).click();
  await expect(fresh.getByRole('alert')).toContainText('name'); // the server's words: it is no variable
  await look(page, 'prompts-new');
  await fresh.getByRole('textbox', { name: 'Everything else, as JSON' }).fill('{"variables": {"name": {"type": "string"}}}');
  await fresh.getByRole('button', { name: 'Save a version' }).click();
  await expect(page.getByRole('heading', { level: 1, name: NAME })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Message 2' })).toHaveText('Greet {{name}}.');

  await page.getByRole('tab', { name: 'Write a version' }).click();
  await page.getByRole('textbox', { name: 'Message 2' }).fill('Greet <b>{{name}}</b> warmly.');
  await page.getByRole('textbox', { name: 'What changed, and why' }).fill('Warmer');
  await page.getByRole('button', { name: 'Save a version' }).click();
  await expect(page.getByRole('combobox', { name: 'Version' })).toHaveValue('2');
  await expect(page.getByRole('region', { name: 'Message 2' })).toHaveText('Greet <b>{{name}}</b> warmly.');
  await look(page, 'prompts-one');
  await page.getByRole('tab', { name: 'Versions' }).click();
  await expect(page.getByRole('region', { name: 'What version 2 changes since 1' })).toContainText('+  content: Greet <b>{{name}}</b> warmly.');
  await look(page, 'prompts-versions');

  await page.getByRole('tab', { name: 'Try' }).click();
  await page.getByLabel('API key').fill(process.env.LEGATO_CALLER_KEY ?? '');
  await page.getByRole('combobox', { name: 'Beside it' }).selectOption('1');
  await page.getByRole('textbox', { name: 'name', exact: true }).fill('Ada');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  for (const number of [1, 2]) await expect(page.getByRole('region', { name: `Answer of version ${number}` }).first()).toContainText(/Cost: \$0\.\d+/);
  await expect(page.getByRole('region', { name: 'What differs' }).first()).toBeVisible();
  await look(page, 'prompts-try');

  await page.getByRole('button', { name: 'Move a label' }).click();
  await page.getByRole('dialog', { name: `Move a label: ${NAME}` }).getByRole('button', { name: 'Move the label' }).click();
  await expect(page.getByRole('combobox', { name: 'Version' })).toContainText('Version 2 · production');
  await page.getByRole('link', { name: 'All prompts' }).click();
  await expect(page.getByRole('row', { name: new RegExp(`^${NAME} 2 2 production → 2`) })).toBeVisible();
  await settled(page);
  await look(page, 'prompts');
});
