/**
 * Compares two sides of a million entries each, with a base of a million rows in SQLite and without one, and measures
 * what the agent would feel: seconds, peak memory, the longest time the event loop stood still.
 *
 *     npm run build && node bench/reconcile.js [entries]
 *
 * Exit code 1 when a run takes 300 MB or more, or stands still for more than 50 ms.
 */
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { decide } from '../dist/core/mode.js';
import { mergeSides } from '../dist/core/reconcile.js';
import { openState } from '../dist/state/open.js';

const rssMaxMb = 300;
const blockMaxMs = 50;
const perDirectory = 100;
/** As many as a listing of the adapters gives at once. */
const batchEntries = 512;
/** Every so many files were edited here since the base was written. */
const editedEvery = 1_000;
const thenMs = 1_700_000_000_000;

/** Pushing as the command does without options. */
const able = { modes: true, times: true, timeGranularityMs: 1000, symlinks: true, symlinkTimes: true };

const policy = {
  mode: 'push',
  delete: false,
  compare: 'mtime+size',
  afresh: false,
  force: false,
  modeRule: (mode) => mode,
  trustModes: true,
  onDrift: 'overwrite',
  conflict: 'keep-both',
  resolutionOf: () => null,
  remoteAheadMs: 0,
  can: { local: able, remote: able },
};

/** The path and the kind of the `index`th entry in the order of paths: a directory, then the files in it. */
function placeOf(index) {
  const path = `folder-${String(Math.floor(index / perDirectory)).padStart(6, '0')}`;
  const file = index % perDirectory;
  if (file === 0) return { path, kind: 'directory' };
  return { path: `${path}/some-file-of-usual-length-${String(file).padStart(2, '0')}.txt`, kind: 'file' };
}

function localEntry(index, kind, edited) {
  const mtimeMs = thenMs + index + 0.25;
  const size = kind === 'file' ? 1_000 + (index % 5_000) + edited : 0;
  return { kind, size, mtimeMs, mode: 0o644, dev: 66_305, ino: 1_000_000 + index, ctimeMs: mtimeMs };
}

function remoteEntry(index, kind) {
  const size = kind === 'file' ? 1_000 + (index % 5_000) : 0;
  const mtimeMs = Math.floor((thenMs + index) / 1_000) * 1_000;
  return { kind, size, mtimeMs, mode: 0o644, uid: 1_000, gid: 1_000 };
}

function isEdited(index, kind) {
  return kind === 'file' && index % editedEvery === editedEvery - 1;
}

async function* scan(entries, entryOf) {
  for (let at = 0; at < entries; at += batchEntries) {
    const batch = [];
    for (let index = at; index < Math.min(entries, at + batchEntries); index++) {
      const { path, kind } = placeOf(index);
      batch.push({ type: 'entry', path, entry: entryOf(index, kind) });
    }
    yield batch;
    await setImmediate();
  }
}

async function* nothing() {
  // There is no base.
}

// ------------------------------------------------------------------------------------------------- in children

/** Writes the base: in a process of its own, so that its memory does not count. */
async function fill(folder, entries) {
  const state = await openState({ folder, label: 'bench' });
  for (let at = 0; at < entries; at += batchEntries) {
    const rows = [];
    for (let index = at; index < Math.min(entries, at + batchEntries); index++) {
      const { path, kind } = placeOf(index);
      const pair = { local: localEntry(index, kind, 0), remote: remoteEntry(index, kind), racy: false };
      rows.push({ path, pair });
    }
    await state.base.commit(rows);
  }
  await state.close();
  return {};
}

/** One reconcile; `folder` holds the base. */
async function run(folder, entries, withBase) {
  const openedMs = performance.now();
  const state = await openState({ folder, label: 'bench' });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const startedMs = performance.now();
  delay.enable();
  const verdicts = {};
  const sightings = mergeSides({
    local: scan(entries, (index, kind) => localEntry(index, kind, isEdited(index, kind) ? 1 : 0)),
    remote: scan(entries, remoteEntry),
    base: withBase ? state.base.scan('') : nothing(),
    excludes: () => false,
  });
  for await (const batch of sightings) {
    for (const sighting of batch) {
      const { type } = decide(sighting.triple, policy);
      verdicts[type] = (verdicts[type] ?? 0) + 1;
    }
  }
  delay.disable();
  const seconds = (performance.now() - startedMs) / 1_000;
  await state.close();
  return {
    openSeconds: (startedMs - openedMs) / 1_000,
    seconds,
    blockMs: delay.max / 1e6,
    rssMb: process.resourceUsage().maxRSS / 1_024,
    verdicts,
  };
}

// ------------------------------------------------------------------------------------------------- in the parent

/** Does `task` in a child process; resolves with what it returns. */
function inChild(task, ...args) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [task, ...args.map(String)]);
    let answer = null;
    child.on('message', (message) => (answer = message));
    child.on('error', reject);
    child.on('exit', (code) => {
      if (code === 0 && answer !== null) resolve(answer);
      else reject(new Error(`'${task}' ended with ${String(code)}`));
    });
  });
}

/** What is wrong with a run, in words. */
function faultsOf(result, entries, withBase) {
  const faults = [];
  if (result.rssMb >= rssMaxMb) faults.push(`peak memory is not under ${rssMaxMb} MB`);
  if (result.blockMs > blockMaxMs) faults.push(`the event loop stood still for more than ${blockMaxMs} ms`);
  const edited = Math.floor(entries / editedEvery);
  const expected = {
    [withBase ? 'none' : 'adopt']: entries - edited,
    ...(edited > 0 ? { upload: edited } : {}),
  };
  const isExpected = Object.entries(expected).every(([type, count]) => result.verdicts[type] === count);
  if (!isExpected)
    faults.push(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(result.verdicts)}`);
  return faults;
}

async function main(entries) {
  const folder = await mkdtemp(join(tmpdir(), 'towline-bench-'));
  try {
    const startedMs = performance.now();
    await inChild('fill', join(folder, 'state'), entries);
    const fillSeconds = (performance.now() - startedMs) / 1_000;
    console.log(
      `${entries} entries a side; a base of ${entries} rows was written in ${fillSeconds.toFixed(1)} s`,
    );
    for (const withBase of [true, false]) {
      const result = await inChild('run', join(folder, withBase ? 'state' : 'empty'), entries, withBase);
      const faults = faultsOf(result, entries, withBase);
      console.log(
        `${withBase ? 'with the base' : 'without a base'}: ${result.seconds.toFixed(1)} s, ` +
          `peak RSS ${result.rssMb.toFixed(0)} MB, longest block ${result.blockMs.toFixed(1)} ms ` +
          `(opening the state before that: ${result.openSeconds.toFixed(2)} s)`,
      );
      for (const fault of faults) console.log(`  FAILED: ${fault}`);
      if (faults.length > 0) process.exitCode = 1;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const [task = '1000000', folder, entries, withBase] = process.argv.slice(2);
if (task === 'fill') process.send(await fill(folder, Number(entries)));
else if (task === 'run') process.send(await run(folder, Number(entries), withBase === 'true'));
else await main(Number(task));
