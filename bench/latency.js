/** From the end of a save to the moment at which a reader on the other side gets the new content. */
import { watch, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { byteSource, randomOf } from './random.js';

/** In case the kernel did not tell of the change. */
const lookMs = 20;
/**
 * Each save has a size of its own: rsync, and so lsyncd, does not see an edit of the same size within the same second.
 */
const savedBytes = 4_096;

function holds(file, content) {
  try {
    return readFileSync(file).equals(content);
  } catch (error) {
    // A tool that replaces by deleting first may be caught in between.
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

/** Saves a file here and waits for it there. @returns ms */
async function save({ local, remote }, path, content, limitMs) {
  const there = join(remote, path);
  let look = () => undefined;
  const watcher = watch(dirname(there), () => look());
  const timer = setInterval(() => look(), lookMs);
  try {
    writeFileSync(join(local, path), content);
    const savedMs = performance.now();
    return await new Promise((resolve, reject) => {
      look = () => {
        const ms = performance.now() - savedMs;
        if (holds(there, content)) resolve(ms);
        else if (ms > limitMs)
          reject(new Error(`'${path}' was not there ${limitMs / 1_000} s after its save`));
      };
      look();
    });
  } finally {
    clearInterval(timer);
    watcher.close();
  }
}

/** Saves files until one gets over within a second: from then on the tool watches. */
export async function awaitFirst(pair, child, path, limitMs) {
  const bytes = byteSource(`first ${pair.tool}`);
  const endMs = performance.now() + limitMs;
  for (let attempt = 1; ; attempt++) {
    const ms = await save(pair, path, bytes(savedBytes - attempt), 1_000).catch(() => null);
    if (ms !== null) return;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`it ended with ${child.exitCode}`);
    if (performance.now() > endMs)
      throw new Error(`it did not bring a change over within ${limitMs / 1_000} s`);
  }
}

/**
 * Saves files at random, `gapMs` to twice that apart: irregularly, so that no tool's ticks are hit by rule.
 * @returns the ms that each save took
 */
export async function saveMany(pair, files, { saves, gapMs, limitMs }) {
  // Other bytes for each tool: what the last one brought over must not look like this one's work.
  const bytes = byteSource(`saves ${pair.tool}`);
  const random = randomOf('saves');
  const taken = [];
  for (let nth = 0; nth < saves; nth++) {
    await pause(gapMs * (1 + random()));
    const { path } = files[Math.floor(random() * files.length)];
    taken.push(await save(pair, path, bytes(savedBytes + nth), limitMs));
  }
  return taken;
}
