/**
 * A program of somebody else: test/e2e/package.test.ts copies it beside the packed package, type-checks it there with
 * strict settings, and runs it. It uses every main call.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Agent,
  type Bwlimit,
  type ConflictPolicy,
  conflictPolicies,
  connect,
  createAgent,
  createBwlimit,
  createMemoryStorage,
  decideConflict,
  diagnose,
  type ErrorCode,
  explain,
  findPair,
  type ListedEntry,
  listPairs,
  type MemoryStorage,
  type Mode,
  modes,
  type OpenedStorage,
  openStorage,
  pairStatus,
  type Plan,
  plan,
  type Problem,
  type Progress,
  type RunningAgent,
  type Session,
  type Storage,
  type StorageRemote,
  sync,
  type SyncOptions,
  type SyncResult,
  TowlineError,
  watch,
} from 'towline';

const [, , local, remote, sshConfig, stateDir] = process.argv;
if (local === undefined || remote === undefined || sshConfig === undefined || stateDir === undefined) {
  throw new Error('usage: consumer LOCAL REMOTE SSH_CONFIG STATE_DIR');
}
const mode: Mode = 'two-way';
const conflict: ConflictPolicy = 'manual';
const bwlimit: Bwlimit = createBwlimit();
const options: SyncOptions = {
  local,
  remote,
  sshConfig,
  stateDir,
  mode,
  conflict,
  bwlimit,
  concurrency: 8,
  exclude: '*.log',
};

const steps: Progress[] = [];
const planned: Plan = await plan(options);
const first: SyncResult = await sync(options, {
  signal: AbortSignal.timeout(60_000),
  progress: (step) => steps.push(step),
});
const failed: readonly Problem[] = first.problems;

const folder = await findPair(options, process.env);
const stopped = await pairStatus(folder);
const known = await listPairs(stateDir, process.env);
const why = await explain({ local, remote, sshConfig, stateDir }, 'first');

const agent: Agent = createAgent(options);
const carried: string[] = [];
agent.on('transfer-end', ({ path, ok, total }) => {
  if (ok && total.files > 0) carried.push(path);
});
await agent.start();
await agent.flush();
writeFileSync(join(local, 'watched'), 'seen');
await agent.flush();
agent.setBwlimit(1024);
const { queue, bwlimit: limit } = await agent.status();
await agent.stop();

const running: RunningAgent = await watch(options);
await running.stop();

const listed: ListedEntry[] = [];
let hashes: Map<string, string>;
{
  await using session: Session = await connect(remote, { sshConfig, stateDir });
  await session.writeFile(join(local, 'first'), 'copy', { progress: ({ leftMs }) => leftMs });
  await session.readFile('copy', join(stateDir, 'copy'));
  for await (const entry of session.list('', { recursive: true })) listed.push(entry);
  hashes = await session.hash();
}

const memory: MemoryStorage = createMemoryStorage();
const twin: StorageRemote = { storage: memory, name: 'a twin in memory' };
const twinned: SyncResult = await sync({ local, remote: twin, stateDir: join(stateDir, 'twin') });
await using opened: OpenedStorage = await openStorage(remote, { sshConfig });
const far: Storage = opened.storage;

const diagnosis = await diagnose({ local, remote, sshConfig, stateDir });

async function codeOf(call: () => Promise<unknown>): Promise<ErrorCode | null> {
  try {
    await call();
    return null;
  } catch (error) {
    if (error instanceof TowlineError) return error.code;
    throw error;
  }
}

process.stdout.write(
  JSON.stringify({
    planned: planned.actions.map(({ action, path }) => `${action} ${path}`),
    transferred: first.transferred,
    steps: steps.length > 0,
    failed: failed.length,
    stopped: stopped.state,
    known: known.length,
    why: why.action,
    carried,
    queue: queue.total,
    limit,
    listed: listed.map(({ path, size }) => `${path} ${String(size)}`),
    hashes: [...hashes.values()].filter((hash) => hash === hashes.get('first')).length,
    twinned: [twinned.transferred, memory.edit.read('watched').toString(), await far.readText('watched')],
    failure: diagnosis.failure,
    codes: [
      await codeOf(() => sync({ ...options, remote: 'box:/nowhere/at/all' })),
      await codeOf(() => connect('box')),
      await codeOf(() => decideConflict(folder, 'first', 'local')),
    ],
    modes: modes.length,
    policies: conflictPolicies.length,
  }),
);
