/** The local folder: whether it can be read, and watched with what the kernel allows. */
import { readFile } from 'node:fs/promises';
import type { ResolvedOptions } from '../config/resolve.js';
import { asTowlineError, errnoOf, type TowlineError } from '../core/errors.js';
import { createFilterBook } from '../engine/filter-book.js';
import { resolveRoot } from '../storage/local/root.js';
import { createLocalStorage } from '../storage/local/storage.js';
import type { Report } from './check.js';
import { shortPath } from './words.js';

const limitFile = '/proc/sys/fs/inotify/max_user_watches';
/** Other programs of the same user watch folders, too. */
const comfortable = 0.8;

/** @returns its real path; `null` when it cannot be used */
export async function checkLocalFolder(
  report: Report,
  path: string,
  options: ResolvedOptions,
  signal: AbortSignal,
): Promise<string | null> {
  let root: string;
  try {
    root = await resolveRoot(path);
  } catch (error) {
    report.fail('local-folder', asTowlineError(error));
    report.skip('watches', 'not counted: there is no local folder');
    return null;
  }
  try {
    const { files, folders, problems } = await count(root, options, signal);
    const text = `${shortPath(root)} holds ${String(files)} files in ${String(folders)} folders, excluded ones not counted`;
    const [first] = problems;
    if (first === undefined) report.ok('local-folder', text);
    else {
      const more = problems.length === 1 ? '' : ` (and ${String(problems.length - 1)} more)`;
      report.warn(
        'local-folder',
        `${text}; ${first.message}${more}`,
        'What cannot be read or named is not sent: correct it, or exclude it',
      );
    }
    await checkWatches(report, folders);
  } catch (error) {
    if (signal.aborted) throw error;
    report.fail('local-folder', asTowlineError(error));
    report.skip('watches', 'not counted: the local folder cannot be listed');
  }
  return root;
}

interface Counts {
  readonly files: number;
  /** With the root. */
  readonly folders: number;
  readonly problems: readonly TowlineError[];
}

async function count(root: string, options: ResolvedOptions, signal: AbortSignal): Promise<Counts> {
  const local = createLocalStorage({ root, label: root });
  const filter = createFilterBook(options, local);
  let files = 0;
  let folders = 1;
  const problems: TowlineError[] = [];
  const { excludes, found } = filter;
  const ruleFiles = { names: filter.ruleFileNames, found };
  for await (const batch of local.scan({ under: '', excludes, ruleFiles, signal })) {
    for (const item of batch) {
      if (item.type === 'entry' && item.entry.kind === 'directory') folders++;
      else if (item.type === 'entry') files++;
      else if (item.type !== 'temp') problems.push(item.error);
    }
  }
  return { files, folders, problems };
}

/** One watch per folder is what the watcher takes. */
async function checkWatches(report: Report, folders: number): Promise<void> {
  const limit = await watchLimit();
  if (limit === null) {
    report.skip('watches', 'this system has no limit on watches that could be read');
    return;
  }
  const text = `${String(folders)} folders to watch; the kernel allows this user ${String(limit)} watches in all`;
  if (folders <= limit * comfortable) report.ok('watches', text);
  else {
    const enough = Math.max(2 ** Math.ceil(Math.log2(folders * 2)), 65_536);
    report.warn(
      'watches',
      text,
      `Raise the limit (sysctl fs.inotify.max_user_watches=${String(enough)}), or exclude large folders`,
    );
  }
}

async function watchLimit(): Promise<number | null> {
  try {
    const limit = Number(await readFile(limitFile, 'utf8'));
    return Number.isSafeInteger(limit) ? limit : null;
  } catch (error) {
    // Only Linux has it.
    if (errnoOf(error) !== null) return null;
    throw error;
  }
}
