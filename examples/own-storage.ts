/**
 * Tries a push without a server: the remote is a storage in memory, wrapped so that it takes no file called *.bak.
 *
 *   node examples/own-storage.ts ./site
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMemoryStorage, type Storage, sync, TowlineError } from 'towline';

const [local] = process.argv.slice(2);
if (local === undefined) {
  console.error('usage: node own-storage.ts LOCAL');
  process.exit(2);
}

// As poor as many a server: what is declared missing is not asked for, and is no difference.
const memory = createMemoryStorage({ capabilities: { modes: false, symlinks: false } });

/** All that the inner storage does, but for one refusal. */
const picky: Storage = {
  ...memory,
  createTemp: (path, name, hint) => {
    if (!path.endsWith('.bak')) return memory.createTemp(path, name, hint);
    return Promise.reject(new TowlineError('permission', `${path}: no backups here`, { path }));
  },
};

// A storage that begins empty wants a memory of its own, or it would look emptied by somebody.
const stateDir = await mkdtemp(join(tmpdir(), 'own-storage-'));
try {
  const remote = { storage: picky, name: 'a trial' };
  const { transferred, problems } = await sync({ local, remote, stateDir });
  console.log(`sent ${transferred}`);
  for (const { path, code } of problems) console.log(`${path}: ${code}`);
  for (const [path, what] of Object.entries(memory.edit.tree())) console.log(`${path} is a ${what}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
} finally {
  await rm(stateDir, { recursive: true });
}
