import { defineConfig } from '@playwright/test';

// The server and its traffic are started by tests/console, which says where it is.
export default defineConfig({
  testDir: './e2e',
  testMatch: process.env.LEGATO_PICTURES ? '*.pictures.ts' : '*.spec.ts',
  outputDir: './test-results',
  timeout: 180_000,
  expect: { timeout: 15_000 },
  workers: 2,
  fullyParallel: false,
  forbidOnly: true,
  use: {
    baseURL: `${process.env.LEGATO_URL ?? 'http://127.0.0.1:8790'}/ui/`,
    viewport: { width: 1280, height: 900 },
    locale: 'en-US',
    timezoneId: 'UTC',
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      // As root, in a container, Chromium's own sandbox can't be had.
      args: process.getuid?.() === 0 ? ['--no-sandbox', '--disable-dev-shm-usage'] : [],
    },
  },
});
