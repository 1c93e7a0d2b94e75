import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { run } from '../measure.js';

const script = fileURLToPath(new URL('../reconcile.js', import.meta.url));

/** The comparison alone, without disks and network: bench/reconcile.js tells what it measured. */
export const reconcile = {
  name: 'reconcile',
  kind: 'text',
  title: ({ reconcileEntries }) => `Comparing ${reconcileEntries.toLocaleString('en')} entries a side`,
  async measure(bench) {
    if (!existsSync(script)) return { rows: [], notes: ['Not measured: bench/reconcile.js is not there.'] };
    try {
      const { stdout } = await run(bench, {
        file: process.execPath,
        args: [script, String(bench.scale.reconcileEntries)],
      });
      return { rows: [], notes: stdout.trim().split('\n') };
    } catch (error) {
      const failure = bench.anonymous(error.message);
      return { rows: [{ tool: 'towline', rival: false, runs: 0, failure }], notes: [] };
    }
  },
};
