/**
 * Measures Towline beside what a user would pick instead, on one OpenSSH server on this machine.
 *
 *     npm run bench [-- --only NAME] [--quick] [--no-write]
 *
 * Exit code 1 when a contestant failed or did not do the whole work, or when the time did not suffice; 2 for wrong usage.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createBench } from './bench.js';
import { bigFile } from './cases/big-file.js';
import { firstPush } from './cases/first-push.js';
import { latency } from './cases/latency.js';
import { memory } from './cases/memory.js';
import { onePercent } from './cases/one-percent.js';
import { reconcile } from './cases/reconcile.js';
import { slowLink } from './cases/slow-link.js';
import { unchangedMany, unchangedSmall } from './cases/unchanged.js';
import { Children } from './children.js';
import { installRivals, missingRivals } from './debian.js';
import { machine, versions } from './machine.js';
import { failures, reportText, writeReport } from './report.js';
import { scales } from './scale.js';
import { makeScratch } from './scratch.js';
import { startServer } from './servers.js';
import { commandFile } from './towline.js';

const cases = [
  firstPush,
  unchangedSmall,
  unchangedMany,
  onePercent,
  bigFile,
  slowLink,
  latency,
  memory,
  reconcile,
];
const options = {
  only: { type: 'string', multiple: true, default: [] },
  quick: { type: 'boolean', default: false },
  'no-write': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
};
const usage = `Usage: npm run bench -- [options]

  --only NAME   measure this case alone (repeatable): ${cases.map(({ name }) => name).join(', ')}
  --quick       tiny data, once each: shows that the harness works
  --no-write    leave bench/results.json and docs/performance.md as they are (so do --only and --quick)
`;

function say(text) {
  process.stderr.write(`${text}\n`);
}

/** @returns the options, or `null` after saying what is wrong with them */
function readOptions() {
  try {
    const { values } = parseArgs({ options });
    const unknown = values.only.filter((name) => !cases.some((one) => one.name === name));
    if (unknown.length === 0) return values;
    say(`there is no case '${unknown[0]}'\n\n${usage}`);
  } catch (error) {
    say(`${error.message}\n\n${usage}`);
  }
  return null;
}

/** What prevents a whole case becomes the failure of that case; the others are measured all the same. */
async function measureCase(bench, { kind, measure }) {
  const failed = (failure) => {
    bench.say(`    FAILED: ${failure}`);
    return { kind: 'text', rows: [{ tool: 'the case', rival: false, runs: 0, failure }], notes: [] };
  };
  if (bench.isLate()) return failed('not measured, the time was used up');
  try {
    const { rows, notes = [] } = await measure(bench);
    return { kind, rows, notes };
  } catch (error) {
    return failed(bench.anonymous(error.message));
  }
}

async function measureCases(bench, chosen) {
  const measured = [];
  for (const one of chosen) {
    const title = one.title(bench.scale);
    bench.say(`  ${title}`);
    measured.push({ name: one.name, title, ...(await measureCase(bench, one)) });
  }
  return measured;
}

async function main() {
  const flags = readOptions();
  if (flags === null) return 2;
  if (flags.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (!existsSync(commandFile)) {
    say('dist/ is not built: use `npm run bench`, or `npm run build` first');
    return 2;
  }
  const scale = flags.quick ? scales.quick : scales.full;
  const missing = scale.installs ? installRivals(say) : missingRivals();
  if (missing.length > 0) say(`not installed, so not measured: ${missing.join(', ')}`);

  const children = new Children();
  const { folder, medium } = makeScratch(6 * scale.bigBytes);
  const cleanUp = () => {
    children.endAll();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  for (const [signal, code] of Object.entries({ SIGINT: 130, SIGTERM: 143 })) {
    process.once(signal, () => {
      cleanUp();
      process.exit(code);
    });
  }
  try {
    const startedMs = performance.now();
    const server = await startServer(children, join(folder, 'server'));
    const bench = createBench({ scale, folder, server, children, say });
    const chosen = cases.filter(({ name }) => flags.only.length === 0 || flags.only.includes(name));
    const measured = await measureCases(bench, chosen);
    await server.stop();
    const results = {
      measuredOn: new Date().toISOString().slice(0, 10),
      scale: scale.name,
      machine: { ...machine(), medium },
      versions: versions(),
      cases: measured,
    };
    process.stdout.write(`${reportText(results)}\n`);
    say(`took ${((performance.now() - startedMs) / 1_000).toFixed(0)} s`);
    if (!flags['no-write'] && !flags.quick && flags.only.length === 0) writeReport(results);
    return failures(results).length > 0 ? 1 : 0;
  } finally {
    cleanUp();
  }
}

process.exitCode = await main();
