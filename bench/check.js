/** After each run: does the other side really hold what was to be sent? A fast tool that did half the work is no rival. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pick, randomOf } from './random.js';

const sampleFiles = 100;
/** Further differences are only counted. */
const shownMax = 3;

async function hashOf(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), hash);
  return hash.digest('hex');
}

/** Sizes by path of all files below `root`. */
async function sizesBelow(root) {
  const sizes = new Map();
  const visit = async (prefix) => {
    const items = await readdir(join(root, prefix), { withFileTypes: true });
    for (const item of items) {
      const path = prefix === '' ? item.name : `${prefix}/${item.name}`;
      if (item.isDirectory()) await visit(path);
      else sizes.set(path, (await lstat(join(root, path))).size);
    }
  };
  await visit('');
  return sizes;
}

async function isSame(tree, remote, { path, size }) {
  const sides = [join(tree.root, path), join(remote, path)];
  if (size === 0) return true;
  const [here, there] = await Promise.all(sides.map(hashOf));
  return here === there;
}

/**
 * Compares names and sizes of all files, and the content of a sample and of those in `certainly`.
 * @throws Error that names the first differences
 */
export async function checkSame(tree, remote, certainly = []) {
  const sizes = await sizesBelow(remote);
  const wrong = tree.files.filter(({ path, size }) => sizes.get(path) !== size).map(({ path }) => path);
  const expected = new Set(tree.files.map(({ path }) => path));
  for (const path of sizes.keys()) if (!expected.has(path)) wrong.push(path);
  const sample = pick(randomOf('sample'), sampleFiles, tree.files.length).map((index) => tree.files[index]);
  for (const file of new Set([...sample, ...certainly])) {
    if (sizes.get(file.path) === file.size && !(await isSame(tree, remote, file))) wrong.push(file.path);
  }
  if (wrong.length === 0) return;
  const more = wrong.length > shownMax ? ` and ${wrong.length - shownMax} more` : '';
  throw new Error(`the other side differs in ${wrong.slice(0, shownMax).join(', ')}${more}`);
}
