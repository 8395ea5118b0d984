// Every page as a picture: with data, empty, and while the server fails; light and dark, two widths, and a
// phone's where people read on one. `make pictures` takes them into `shots/every/`; somebody looks at them.

import { type APIRequestContext, type Browser, type BrowserContext, type Page, expect, test } from '@playwright/test';

const need = (name: string) => process.env[name] ?? '';
const PAGES: [name: string, path: string, phone?: true][] = [
  ['overview', '/', true], ['requests', '/requests'], ['alerts', '/alerts'], ['objectives', '/alerts?tab=objectives'], ['anomalies', '/alerts?tab=anomalies'],
  ['playground', '/playground'], ['models', '/models'], ['routing', '/routing'], ['routes', '/models?tab=routes'], ['providers', '/models?tab=providers'],
  ['prompts', '/prompts'], ['registry', '/registry'], ['rollouts', '/registry?tab=rollouts'], ['moves', '/registry?tab=moves'], ['cache', '/cache'],
  ['workflows', '/workflows'], ['runs', '/workflow-runs'], ['letters', '/workflow-runs?tab=letters'], ['inbox', '/inbox', true],
  ['keys', '/keys'], ['places', '/keys?tab=places'], ['people', '/keys?tab=people'], ['roles', '/keys?tab=roles'], ['rules', '/keys?tab=rules'], ['budgets', '/budgets'],
  ['guardrails', '/guardrails'], ['samples', '/guardrails?tab=samples'], ['policies', '/guardrails?tab=policies'], ['try', '/guardrails?tab=try'],
  ...['savings', 'plan', 'scale', 'pnl', 'assumptions', 'reports'].map((tab): [string, string] => [`economics-${tab}`, `/economics?tab=${tab}`]),
  ['triggers', '/triggers'], ['trigger-letters', '/triggers?tab=letters'], ['evaluations', '/evaluations'], ['datasets', '/evaluations?tab=datasets'], ['reviews', '/evaluations?tab=reviews'],
  ['judges', '/evaluations?tab=judges'], ['retention', '/retention'], ['residency', '/retention?tab=residency'],
  ['notifications', '/notifications'], ['channels', '/notifications?tab=channels'], ['audit', '/audit'], ['compliance', '/compliance'], ['start', '/start'],
];
const SIZES = [1280, 1920];
const PHONE = 390;
const SETTLED_MS = 30_000;

test.describe.configure({ mode: 'parallel' });

const words = (problem: unknown) => String(problem).slice(0, 300);

async function settle(page: Page) {
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible({ timeout: SETTLED_MS });
  await expect(page.locator('.mantine-Skeleton-root, .mantine-Loader-root')).toHaveCount(0, { timeout: SETTLED_MS });
  await page.waitForTimeout(200); // a chart draws in the frame after its data
}

async function pictures(page: Page, name: string, phone: boolean) {
  const found: string[] = [];
  for (const width of phone ? [...SIZES, PHONE] : SIZES) {
    await page.setViewportSize({ width, height: width === PHONE ? 844 : 1000 });
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.waitForTimeout(400); // colours change by and by
      await page.screenshot({ path: `shots/every/${name}-${scheme}-${width}.png`, fullPage: true });
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) found.push(`${name} is ${wide} px wider than ${width}`);
  }
  return found;
}

/** Text that its box cuts without saying so, and ids where a name belongs. */
async function flaws(page: Page) {
  return page.getByRole('main').evaluate((main) => {
    const found: string[] = [];
    for (const one of main.querySelectorAll('*')) {
      const text = [...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent ?? '').join('').trim();
      if (!text) continue;
      const style = getComputedStyle(one);
      if (one.scrollWidth > one.clientWidth + 1 && style.overflowX === 'hidden' && style.textOverflow !== 'ellipsis' && one.clientWidth > 1) found.push(`cut: ${text.slice(0, 60)}`);
      if (/\b(undefined|NaN|Invalid Date|\[object)/.test(text)) found.push(`no value: ${text.slice(0, 60)}`);
    }
    return found;
  });
}

async function each(context: BrowserContext, kind: string, only: (typeof PAGES)[number][]) {
  const page = await context.newPage();
  const told: string[] = [];
  for (const [name, path, phone] of only) {
    try {
      await page.goto(`.${path}`);
      await settle(page);
      told.push(...(await pictures(page, `${kind}-${name}`, phone ?? false)), ...(await flaws(page)).map((one) => `${kind}-${name}: ${one}`));
    } catch (problem) {
      await page.screenshot({ path: `shots/every/${kind}-${name}-broken.png` });
      told.push(`${kind}-${name}: ${words(problem)}`);
    }
  }
  return told;
}

async function signedIn(browser: Browser, url: string, email: string, password: string) {
  const context = await browser.newContext({ baseURL: `${url}/ui/` });
  const answer = await context.request.post(`${url}/api/v1/login`, { data: { email, password } });
  expect(answer.status(), await answer.text()).toBe(200);
  return context;
}

async function first(request: APIRequestContext, path: string, id: (row: Record<string, string>) => string) {
  const answer = await request.get(`${need('LEGATO_URL')}/api/v1${path}`);
  const row = ((await answer.json()) as { data?: Record<string, string>[] }).data?.[0];
  return row ? id(row) : null;
}

test('with data', async ({ browser }) => {
  test.setTimeout(1_200_000);
  const context = await signedIn(browser, need('LEGATO_URL'), need('LEGATO_EMAIL'), need('LEGATO_PASSWORD'));
  const single: [string, string | null][] = [
    ['request', await first(context.request, '/requests?limit=1', (row) => `/requests?request=${row.request_id}`)],
    ['builder', await first(context.request, '/workflows?limit=1', (row) => `/workflows/${row.name}`)],
    ['run', await first(context.request, '/workflow-runs?limit=1', (row) => `/workflow-runs/${row.id}`)],
    ['task', await first(context.request, '/tasks?limit=1&state=open', (row) => `/inbox/${row.id}`)],
    ['budget', await first(context.request, '/budgets?limit=1', (row) => `/budgets?selected=${row.id ?? row.name}`)],
  ];
  const opened = single.flatMap(([name, path]): [string, string][] => (path ? [[name, path]] : []));
  expect(await each(context, 'data', [...PAGES, ...opened])).toEqual([]);
});

test('empty', async ({ browser }) => {
  test.setTimeout(1_200_000);
  const context = await signedIn(browser, need('LEGATO_EMPTY_URL'), need('LEGATO_EMAIL'), need('LEGATO_EMPTY_PASSWORD') || need('LEGATO_PASSWORD'));
  expect(await each(context, 'empty', PAGES)).toEqual([]);
});

test('while the server fails', async ({ browser }) => {
  test.setTimeout(1_200_000);
  const context = await signedIn(browser, need('LEGATO_URL'), need('LEGATO_EMAIL'), need('LEGATO_PASSWORD'));
  const own = /\/api\/v1\/(me|session|sign-in|live)$/;
  await context.route(/\/api\/v1\//, (route) => own.test(new URL(route.request().url()).pathname) ? route.continue() : route.fulfill({
    status: 503, contentType: 'application/json', headers: { 'x-legato-request-id': '01TEST' },
    body: JSON.stringify({ error: { code: 'storage_unavailable', message: 'The database can’t be reached.', remedy: 'Try again in a minute; `legato doctor` says what is wrong.' } }),
  }));
  expect(await each(context, 'failing', PAGES)).toEqual([]);
});
