// What every journey does: it comes signed in, fails by any error of the browser, and looks at its page
// in both colour schemes and two widths, by axe and as pictures in `shots/`.

import { AxeBuilder } from '@axe-core/playwright';
import { type Page, test as base, expect } from '@playwright/test';

export { expect };

const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const WIDTHS = [1280, 1920];
const CALLS_MAX = 6;

const need = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} isn't set: journeys are run by tests/console`);
  return value;
};

interface Journey {
  /** Words of errors that this journey causes on purpose. */
  forgive: (pattern: RegExp) => void;
  signedOut: boolean;
}

interface Session {
  cookies: Awaited<ReturnType<import('@playwright/test').BrowserContext['cookies']>>;
}

export const test = base.extend<Journey, { session: Session }>({
  signedOut: [false, { option: true }],

  session: [
    async ({ browser }, use) => {
      const context = await browser.newContext({ baseURL: need('LEGATO_URL') });
      const answer = await context.request.post('/api/v1/login', {
        data: { email: need('LEGATO_EMAIL'), password: need('LEGATO_PASSWORD') },
      });
      expect(answer.status()).toBe(200);
      const cookies = await context.cookies();
      await context.close();
      await use({ cookies });
    },
    { scope: 'worker' },
  ],

  page: async ({ page, context, session, signedOut }, use, info) => {
    if (!signedOut) await context.addCookies(session.cookies);
    const errors: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || /Content.Security.Policy/i.test(message.text())) errors.push(`${message.text()} ${message.location().url}`);
    });
    page.on('pageerror', (error) => errors.push(String(error)));
    (info as unknown as { forgiven: RegExp[] }).forgiven = [];
    await use(page);
    const forgiven = (info as unknown as { forgiven: RegExp[] }).forgiven;
    expect(errors.filter((text) => !forgiven.some((one) => one.test(text)))).toEqual([]);
  },

  forgive: async ({}, use, info) => {
    await use((pattern) => (info as unknown as { forgiven: RegExp[] }).forgiven.push(pattern));
  },
});

/** Open a page and wait for its heading; it may make six calls, the session's own left out. */
export async function open(page: Page, path: string, title: string): Promise<void> {
  const calls: string[] = [];
  const own = /\/api\/(sample\/)?v1\/(me|session|sign-in|live)$/;
  const note = (request: { url: () => string }) => {
    const address = new URL(request.url());
    if (address.pathname.startsWith('/api/') && !own.test(address.pathname)) calls.push(address.pathname + address.search);
  };
  page.on('request', note);
  await page.goto(path.replace(/^\//, './'));
  await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible();
  await settled(page);
  page.off('request', note);
  expect(calls.length, calls.join('\n')).toBeLessThanOrEqual(CALLS_MAX);
}

/** Nothing is loading any more. Not "network idle": the live stream never is. */
export async function settled(page: Page): Promise<void> {
  await expect(page.locator('.mantine-Skeleton-root, .mantine-Loader-root')).toHaveCount(0);
  for (const chart of await page.locator('[data-chart]').all()) await expect(chart.locator('svg path').first()).toBeAttached();
}

/** Look at what is on the screen: axe finds nothing, light and dark, and a picture of each is kept. */
export async function look(page: Page, name: string): Promise<void> {
  const before = page.viewportSize();
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 1000 });
      await settled(page);
      await page.screenshot({ path: `shots/${name}-${scheme}-${width}.png`, fullPage: true });
    }
    const { violations } = await new AxeBuilder({ page }).withTags(WCAG).analyze();
    const told = violations.map((one) => `${one.id}: ${one.help}\n${one.nodes.map((node) => `  ${node.target.join(' ')}: ${node.failureSummary ?? ''}`).join('\n')}`);
    expect(told.join('\n'), `${name} in ${scheme}`).toBe('');
  }
  await page.emulateMedia({ colorScheme: 'light' });
  if (before) await page.setViewportSize(before);
}
