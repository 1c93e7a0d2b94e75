/** Scans the tree: one ordered stream from listings that are made ahead. */
import { TowlineError } from '../../core/errors.js';
import { join, nameProblem } from '../../core/path.js';
import type { ScanItem } from '../../core/stream.js';
import { isOwnName, tempAgentOf } from '../../core/tempname.js';
import { orderedWalk, type Child } from '../../core/walk.js';
import type { ScanRequest } from '../../ports.js';
import type { WebdavContext } from './context.js';
import { refusal } from './failures.js';
import { entryOf, list, type Named } from './propfind.js';
import { readText } from './source.js';

/** Directories listed at once, items held ahead of the consumer, and items in one batch, at most. */
const listingsMax = 8;
const bufferedMax = 20_000;
const batchMax = 1000;

/**
 * See `Storage.scan`.
 * @throws what listing `under` failed with; `network`; `interrupted`
 */
export async function* scan(
  context: WebdavContext,
  request: ScanRequest,
): AsyncGenerator<ScanItem[], void, undefined> {
  context.urls.directory(request.under);
  yield* orderedWalk({
    under: request.under,
    flat: request.flat,
    list: (directory) => children(context, request, directory),
    concurrency: listingsMax,
    bufferedMax,
    batchMax,
    signal: request.signal,
  });
}

/** The children of a directory; rejects when any part of it cannot be told. */
async function children(context: WebdavContext, request: ScanRequest, directory: string): Promise<Child[]> {
  const attempt = context.attempt('list', directory);
  const named = await list(context, attempt, directory, request.signal);
  await readRules(context, request, directory, named);
  const found: Child[] = [];
  for (const { name, response } of named) {
    const path = join(directory, name);
    const problem = nameProblem(name);
    const entry = entryOf(response);
    if (problem !== null) found.push(unusable(path, name, problem));
    else if (isOwnName(name)) {
      if (entry?.kind === 'file' && tempAgentOf(name) !== null) {
        found.push({ name, item: { type: 'temp', path, mtimeMs: entry.mtimeMs }, enter: false });
      }
    } else if (request.excludes(path, entry?.kind ?? 'file')) continue;
    else if (entry === null) {
      const error = refusal(
        context.attempt('carry', path),
        'unsupported',
        'the server does not tell its length',
      );
      found.push({ name, item: { type: 'skipped', path, reason: 'special', error }, enter: false });
    } else found.push({ name, item: { type: 'entry', path, entry }, enter: entry.kind === 'directory' });
  }
  return found;
}

async function readRules(
  context: WebdavContext,
  { ruleFiles }: ScanRequest,
  directory: string,
  named: readonly Named[],
): Promise<void> {
  if (ruleFiles === undefined) return;
  for (const { name, response } of named) {
    if (response.collection || !ruleFiles.names.includes(name)) continue;
    const text = await readText(context, join(directory, name));
    if (text !== null) ruleFiles.found(directory, name, text);
  }
}

function unusable(path: string, name: string, problem: string): Child {
  const error = new TowlineError('name', `the name ${JSON.stringify(name)} on the server ${problem}`, {
    path,
    hint: 'Rename it on the server; nothing of that name is touched',
  });
  return { name, item: { type: 'skipped', path, reason: 'name', error }, enter: false };
}
