import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [react()],
  test: {
    environment: 'jsdom',
    include: ['test/**/*.test.{js,jsx}'],
    setupFiles: ['test/support/setup.js'],
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
  },
});
