import { defineConfig } from 'vitest/config';

export default defineConfig({
  // Vite would take graphql's ES modules, Node takes its CommonJS: two copies that refuse each other's types.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // For a busy machine: no test proves a speed. What waits for something has a deadline of its own that tells what it saw.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 60_000,
    maxWorkers: 2,
  },
});
