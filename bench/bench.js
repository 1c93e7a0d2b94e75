/** What all cases share: the server, the folders, the trees, and pairs of contestants on them. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { missingRivals } from './debian.js';
import { bigFile, manyFiles, smallFiles } from './trees.js';

/** @param scale one of scales.js */
export function createBench({ scale, folder, server, children, say }) {
  const trees = new Map();
  const missing = missingRivals();
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
    /** Whether a rival is installed. */
    has: (command) => !missing.includes(command),
    /** One of the trees that several cases use; they must leave it as it is. */
    tree(name) {
      if (!trees.has(name)) trees.set(name, make[name](join(folder, `tree-${name}`)));
      return trees.get(name);
    },
    /** No path, user or host of this machine gets into the results. */
    anonymous: (text) => text.replaceAll(folder, '…').replaceAll(`${server.user}@`, ''),
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
