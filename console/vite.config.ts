import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// Where a running `legato up` listens, for `npm run dev`.
const server = process.env.LEGATO_URL ?? 'http://127.0.0.1:8790';

export default defineConfig({
  base: './',
  plugins: [react()],
  html: { cspNonce: 'LEGATO_NONCE' },
  build: {
    outDir: '../src/legato/console',
    emptyOutDir: true,
    assetsDir: 'assets',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: { '/api': server, '/v1': server },
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test/setup.ts'],
    restoreMocks: true,
  },
});
