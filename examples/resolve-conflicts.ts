/**
 * Keeps two sides equal and decides conflicts in code: of a `.json` file the server's version counts, of a `.md` file
 * both are kept, anything else waits for a person.
 *
 *   node examples/resolve-conflicts.ts ./notes box:notes
 */
import { decideConflict, findPair, type Resolution, sync, type SyncOptions } from 'towline';

const [local, remote] = process.argv.slice(2);
if (local === undefined || remote === undefined) {
  console.error('usage: node resolve-conflicts.ts LOCAL [USER@]HOST:PATH');
  process.exit(2);
}
const { SSH_CONFIG: sshConfig } = process.env;

// With `manual` both versions stay as they are, and the path is a problem with the code `conflict`.
const pair: SyncOptions = {
  local,
  remote,
  mode: 'two-way',
  conflict: 'manual',
  ...(sshConfig && { sshConfig }),
};

function keepOf(path: string): Resolution | null {
  if (path.endsWith('.json')) return 'remote';
  return path.endsWith('.md') ? 'both' : null;
}

const first = await sync(pair);
const folder = await findPair(pair, process.env);
for (const { path, code } of first.problems) {
  const keep = code === 'conflict' ? keepOf(path) : null;
  if (keep === null) continue;
  await decideConflict(folder, path, keep);
  console.log(`${path}: keep ${keep}`);
}

// What was decided is carried out by the next sync, as safely as anything else: a version that changed meanwhile is a
// conflict again.
const { problems } = await sync(pair);
for (const { path, message } of problems) console.error(`${path}: ${message}`);
process.exitCode = problems.length === 0 ? 0 : 1;
