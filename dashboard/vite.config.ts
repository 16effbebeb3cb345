import { defineConfig } from 'vitest/config';

// The control serves the built page, so that page and API have one origin; in development the API is fetched from it.
export default defineConfig({
  base: './',
  build: { outDir: '../proxy/control/static', emptyOutDir: true },
  server: { proxy: { '/api': 'http://127.0.0.1:8081' } },
  test: { include: ['test/**/*.test.{ts,tsx}'], unstubGlobals: true, restoreMocks: true },
});
