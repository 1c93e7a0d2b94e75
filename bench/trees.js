/** The folders that are pushed: made from seeds, so that every run of the bench sends the same bytes. */
import { closeSync, mkdirSync, openSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { byteSource, normal, pick, randomOf } from './random.js';

/** Long ago: no tool has to wonder whether a file changed within the second in which it was looked at. */
const madeSeconds = Date.UTC(2025, 0, 1) / 1_000;
const daySeconds = 86_400;
/** Of a log-normal distribution of file sizes: most are small, a few hold most of the bytes. */
const sigma = 1.5;
const perFolder = 20;
const foldersPerFolder = 25;

function pathOf(index) {
  const folder = Math.floor(index / perFolder);
  const outer = String(Math.floor(folder / foldersPerFolder)).padStart(3, '0');
  const inner = String(folder % foldersPerFolder).padStart(2, '0');
  return `part-${outer}/section-${inner}/file-${String(index).padStart(6, '0')}.dat`;
}

/** Sizes with the wanted sum, but for rounding. */
function logNormalSizes(seed, count, totalBytes) {
  const random = randomOf(seed);
  const weights = Array.from({ length: count }, () => Math.exp(sigma * normal(random)));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => Math.round((weight / sum) * totalBytes));
}

function writeTree(root, seed, sizes) {
  const bytes = byteSource(seed);
  const files = sizes.map((size, index) => ({ path: pathOf(index), size }));
  const made = new Set();
  for (const [index, { path, size }] of files.entries()) {
    const file = join(root, path);
    const folder = dirname(file);
    if (!made.has(folder)) mkdirSync(folder, { recursive: true });
    made.add(folder);
    writeFileSync(file, bytes(size));
    utimesSync(file, madeSeconds + index, madeSeconds + index);
  }
  return { root, files };
}

/** Files of log-normal sizes, `totalBytes` in all. */
export function smallFiles(root, { count, totalBytes, seed = 'small' }) {
  return writeTree(root, seed, logNormalSizes(seed, count, totalBytes));
}

/** Very many very small files, 20 to a folder. */
export function manyFiles(root, { count }) {
  const random = randomOf('many');
  return writeTree(
    root,
    'many',
    Array.from({ length: count }, () => Math.floor(random() * 400)),
  );
}

/** One file. */
export function bigFile(root, { bytes: size }) {
  const bytes = byteSource('big');
  const path = 'big.dat';
  const pieceBytes = 2 ** 22;
  mkdirSync(root, { recursive: true });
  const handle = openSync(join(root, path), 'w');
  for (let left = size; left > 0; left -= pieceBytes) writeSync(handle, bytes(Math.min(left, pieceBytes)));
  closeSync(handle);
  utimesSync(join(root, path), madeSeconds, madeSeconds);
  return { root, files: [{ path, size }] };
}

/**
 * Edits a share of the files: half of them keep their size. Each round's time is a day later, so that tools that compare
 * whole seconds see it.
 * @returns the tree as it is now, and which files were edited
 */
export function edit(tree, { share, round }) {
  const random = randomOf(`edit ${round}`);
  const bytes = byteSource(`edit ${round}`);
  const files = [...tree.files];
  const chosen = pick(random, Math.max(1, Math.round(files.length * share)), files.length);
  const seconds = madeSeconds + (round + 1) * daySeconds;
  for (const [nth, index] of chosen.entries()) {
    const { path, size } = files[index];
    const newSize = nth % 2 === 0 ? Math.max(1, size) : size + 1 + Math.floor(random() * 200);
    const file = join(tree.root, path);
    writeFileSync(file, bytes(newSize));
    utimesSync(file, seconds + index, seconds + index);
    files[index] = { path, size: newSize };
  }
  return { tree: { ...tree, files }, edited: chosen.map((index) => files[index]) };
}
