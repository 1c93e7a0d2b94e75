/** What all cases share: the server, the folders, the trees, and pairs of contestants on them. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingRivals } from './debian.js';
import { bigFile, manyFiles, smallFiles } from './trees.js';

const projectFolder = fileURLToPath(new URL('../', import.meta.url));

/** @param scale one of scales.js */
export function createBench({ scale, folder, server, children, say }) {
  const trees = new Map();
  const missing = missingRivals();
  const startedMs = performance.now();
  const taken = new Set();
  const make = {
    small: (root) => smallFiles(root, { count: scale.smallFiles, totalBytes: scale.smallBytes }),
    many: (root) => manyFiles(root, { count: scale.manyFiles }),
    big: (root) => bigFile(root, { bytes: scale.bigBytes }),
  };
  return {
    scale,
    folder,
    server,
    children,
    say,
    limitMs: scale.limitMs,
    /** Whether the time for the whole bench is used up. */
    isLate: () => performance.now() - startedMs > scale.budgetMs,
    /** Whether a rival takes part in one more case. */
    takesPart(name) {
      const again = taken.has(name);
      taken.add(name);
      return !again || !scale.once.includes(name);
    },
    /** Whether a rival is installed. */
    has: (command) => !missing.includes(command),
    /** One of the trees that several cases use; they must leave it as it is. */
    tree(name) {
      if (!trees.has(name)) trees.set(name, make[name](join(folder, `tree-${name}`)));
      return trees.get(name);
    },
    /** No path, user or host of this machine gets into the results. */
    anonymous: (text) =>
      [
        [folder, '…'],
        [process.execPath, 'node'],
        [projectFolder, ''],
        [homedir(), '~'],
        [hostname(), 'here'],
        [`${server.user}@`, ''],
      ].reduce((rest, [secret, shown]) => rest.replaceAll(secret, shown), text),
  };
}

/** Empties a folder, or makes it. */
export function fresh(folder) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Copies a tree on this machine, modes and times included. */
export function copyTree(from, to) {
  fresh(to);
  const { status, stderr } = spawnSync('cp', ['-a', `${from}/.`, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cp failed: ${stderr}`);
}

/** A name for a folder that no shell has to quote. */
export function placeName(...words) {
  return words.join(' ').replaceAll(/\W+/g, '-');
}
