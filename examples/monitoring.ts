/**
 * Watches a folder and keeps a report of how it goes, for whatever shows such things: a JSON file, replaced after each
 * batch of changes and at the end.
 *
 *   node examples/monitoring.ts ./app dev@box:/srv/app report.json
 */
import { rename, writeFile } from 'node:fs/promises';
import { createAgent } from 'towline';

const [local, remote, reportFile] = process.argv.slice(2);
if (local === undefined || remote === undefined || reportFile === undefined) {
  console.error('usage: node monitoring.ts LOCAL [USER@]HOST:PATH REPORT');
  process.exit(2);
}
const { SSH_CONFIG: sshConfig } = process.env;

const agent = createAgent({ local, remote, delete: true, ...(sshConfig && { sshConfig }) });

const problems = new Map<string, string>();
let batches = 0;
let slowestMs = 0;

async function writeReport(file: string): Promise<void> {
  const { transferred, deleted, bytesSent } = agent.summary();
  const report = {
    state: agent.state,
    batches,
    transferred,
    deleted,
    bytesSent,
    slowestMs,
    problems: Object.fromEntries(problems),
  };
  // Whoever reads it sees one report or the next, whole.
  await writeFile(`${file}.new`, JSON.stringify(report, null, 2));
  await rename(`${file}.new`, file);
}

/** One write after the other: nobody waits for a listener. That one fails is no reason to stop. */
let written = Promise.resolve();
const report = () =>
  (written = written.then(() => writeReport(reportFile)).catch((error: unknown) => console.error(error)));

agent.on('problem', ({ path, code }) => problems.set(path, code));
agent.on('solved', ({ path }) => problems.delete(path));
agent.on('holds', (holds) => {
  for (const { message } of holds) console.error(message);
});
agent.on('state', ({ state, link }) => console.log(`${state}, ${link.name}`));
agent.on('transfer-progress', ({ path, bytes, size, leftMs }) => {
  if (leftMs !== null) console.log(`${path}: ${bytes} of ${size}, ${Math.round(leftMs / 1000)} s left`);
});
agent.on('batch', ({ transferred, deleted, durationMs }) => {
  batches++;
  slowestMs = Math.max(slowestMs, durationMs);
  console.log(`sent ${transferred}, deleted ${deleted}`);
  void report();
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void agent.stop());
await agent.start();
try {
  // Ends when it is stopped; rejects when it halts: a changed host key, bad credentials.
  await agent.done;
} finally {
  await report();
}
