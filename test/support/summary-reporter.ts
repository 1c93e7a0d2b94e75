import type { Reporter, TestModule } from 'vitest/node';

/** Closes a run with the plain line `N passed, N failed[, N skipped]`. */
// vitest loads a reporter by its default export.
// eslint-disable-next-line no-restricted-exports
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    for (const module of modules) {
      const before = counts.passed + counts.failed + counts.skipped;
      for (const test of module.children.allTests()) {
        const state = test.result().state;
        if (state === 'passed' || state === 'failed') counts[state]++;
        else counts.skipped++;
      }
      const ran = counts.passed + counts.failed + counts.skipped > before;
      if (!module.ok() && (!ran || module.errors().length > 0)) counts.failed++;
    }
    counts.failed += unhandledErrors.length;
    const skipped = counts.skipped > 0 ? `, ${String(counts.skipped)} skipped` : '';
    process.stdout.write(`\n${String(counts.passed)} passed, ${String(counts.failed)} failed${skipped}\n`);
  }
}
