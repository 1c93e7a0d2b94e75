import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Before a test loads ssh2 by itself.
    setupFiles: ['src/ssh/keep-ciphers.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Real servers and processes run beside the tests on small machines: a bound for hangs, not a timing.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Most of them wait for servers, links and clocks: one more than cores.
    maxWorkers: 3,
    reporters: ['default', './test/support/summary-reporter.ts'],
  },
});
