/** The demo's hands and eyes: makes an edit in one folder, and sees it arrive in another. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasErrno } from '../../core/errors.js';
import type { Edit, Files } from './script.js';

/** How often the server's folder is looked at, ms: what a delay is measured to. */
const lookEveryMs = 2;
/** After this long an edit counts as lost, ms. */
const arrivalMaxMs = 30_000;

/** Writes files below `folder`, with the folders they need. */
export async function writeFiles(folder: string, files: Files): Promise<void> {
  for (const [path, content] of files) {
    const file = join(folder, path);
    if (content === null) {
      await rm(file);
      continue;
    }
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
  }
}

/** Makes an edit as the kind of program would that it stands for. */
export async function makeEdit(folder: string, edit: Edit): Promise<void> {
  if (edit.moved !== undefined) {
    await rename(join(folder, edit.moved.from), join(folder, edit.moved.to));
    return;
  }
  if (edit.kind === 'replace') {
    // As careful editors save: into a file beside it, which then takes the name.
    for (const [path, content] of edit.after) {
      const file = join(folder, path);
      await writeFile(`${file}.new~`, content ?? '');
      await rename(`${file}.new~`, file);
    }
    return;
  }
  await writeFiles(folder, edit.after);
}

/** What is at these paths now; `null`: nothing. */
export async function readFiles(folder: string, paths: Iterable<string>): Promise<Files> {
  const files = new Map<string, string | null>();
  for (const path of paths) files.set(path, await readIfThere(join(folder, path)));
  return files;
}

export interface Arrival {
  /** Since it was waited for; `null` when it did not arrive in time. */
  readonly afterMs: number | null;
  /** Whether each look showed each file as it was before or as it is now: never half, never missing. */
  readonly whole: boolean;
}

/**
 * Looks at a folder until its files are as in `after`.
 * @param before how they were, for telling whether a reader ever saw something else
 * @throws the signal's reason
 */
export async function awaitArrival(
  folder: string,
  before: Files,
  after: Files,
  signal: AbortSignal,
  maxMs = arrivalMaxMs,
): Promise<Arrival> {
  const startMs = performance.now();
  const missing = new Set(after.keys());
  let whole = true;
  while (performance.now() - startMs < maxMs) {
    for (const [path, content] of await readFiles(folder, missing)) {
      if (content === after.get(path)) missing.delete(path);
      else if (content !== (before.get(path) ?? null)) whole = false;
    }
    if (missing.size === 0) return { afterMs: performance.now() - startMs, whole };
    signal.throwIfAborted();
    await sleep(lookEveryMs);
  }
  return { afterMs: null, whole };
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
