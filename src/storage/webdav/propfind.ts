/** Asks what is there: one resource, or one directory with its children. */
import type { Entry } from '../../core/entry.js';
import { parentOf } from '../../core/path.js';
import type { WebdavContext } from './context.js';
import { concernsLink, refusal, statusFailure, type Attempt } from './failures.js';
import { placeOf } from './hrefs.js';
import { readMultistatus, type DavResponse } from './multistatus.js';

/** The longest listing of one directory that is read: about half a million names. */
const listingBytesMax = 256 * 2 ** 20;

const wanted = ['resourcetype', 'getcontentlength', 'getlastmodified', 'getetag'];
const head = '<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:">';

/** The body of a PROPFIND for these properties. */
function asking(names: readonly string[]): string {
  return `${head}<prop>${names.map((name) => `<${name}/>`).join('')}</prop></propfind>`;
}

export interface Asking {
  /** As the server is told it. */
  readonly url: string;
  readonly depth: '0' | '1';
  /** Beside those of an entry. */
  readonly more?: readonly string[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * The responses of one PROPFIND, or the status that it was refused with.
 * @throws `protocol` for an answer that cannot be read; `network`
 */
export async function propfind(context: WebdavContext, asked: Asking): Promise<DavResponse[] | number> {
  const body = context.asksForAll
    ? `${head}<allprop/></propfind>`
    : asking([...wanted, ...(asked.more ?? [])]);
  const answer = await context.session.send({
    method: 'PROPFIND',
    url: asked.url,
    headers: { Depth: asked.depth, 'Content-Type': 'application/xml; charset=utf-8' },
    body,
    signal: asked.signal,
  });
  if (answer.status !== 207) {
    await answer.drain();
    return answer.status;
  }
  const responses = await readMultistatus(await answer.text(listingBytesMax), context.host);
  if (context.asksForAll || !responses.some(({ kindless }) => kindless)) return responses;
  context.asksForAll = true;
  return propfind(context, asked);
}

/** The entry of what a response tells; `null` when it does not tell how long a file is. */
export function entryOf({ collection, size, mtimeMs, etag }: DavResponse): Entry | null {
  const told = { mtimeMs: mtimeMs ?? 0, mode: 0, ...(etag === null ? undefined : { etag }) };
  if (collection) return { kind: 'directory', size: 0, mtimeMs: told.mtimeMs, mode: 0 };
  return size === null ? null : { kind: 'file', size, ...told };
}

/**
 * What is at a path now, `null` for nothing.
 * @throws `unsupported` for what has no length; what the server refused with; `network`
 */
export async function look(
  context: WebdavContext,
  attempt: Attempt,
  path: string,
  signal?: AbortSignal,
): Promise<Entry | null> {
  const url = path === '' ? context.urls.directory('') : context.urls.below(path);
  const responses = await propfind(context, { url, depth: '0', signal });
  if (typeof responses === 'number') return absent(context, attempt, path, responses, signal);
  const directory = context.urls.components(path);
  const own = responses.find(({ href }) => placeOf(href, directory).type === 'self');
  if (own === undefined) throw refusal(attempt, 'protocol', 'the server answers about something else');
  if (own.status >= 300) return absent(context, attempt, path, own.status, signal);
  const entry = entryOf(own);
  if (entry === null) throw refusal(attempt, 'unsupported', 'the server does not tell its length');
  return entry;
}

/** Below a file some servers say 400 or 403 instead of 404: whether that is so is seen above it. */
async function absent(
  context: WebdavContext,
  attempt: Attempt,
  path: string,
  status: number,
  signal?: AbortSignal,
): Promise<null> {
  if (status === 404 || status === 410) return null;
  const failure = statusFailure(attempt, status);
  context.session.noteFailure(failure);
  const parent = parentOf(path);
  if (concernsLink(failure) || parent === null) throw failure;
  const above = await look(context, { ...attempt, action: 'look at the folder of' }, parent, signal);
  if (above?.kind !== 'directory') return null;
  throw failure;
}

/** A directory's children as the server told them: whole, or a failure. */
export interface Named {
  readonly name: string;
  readonly response: DavResponse;
}

/**
 * The children of a directory.
 * @throws `not-found`; `protocol` when the answer is about something else, or leaves the directory itself out: it may be
 * partial then, and what it does not show would count as deleted
 */
export async function list(
  context: WebdavContext,
  attempt: Attempt,
  directory: string,
  signal?: AbortSignal,
): Promise<Named[]> {
  const responses = await propfind(context, { url: context.urls.directory(directory), depth: '1', signal });
  if (typeof responses === 'number') {
    const failure = statusFailure(attempt, responses);
    context.session.noteFailure(failure);
    throw failure;
  }
  const components = context.urls.components(directory);
  const children: Named[] = [];
  let self: DavResponse | null = null;
  for (const response of responses) {
    const place = placeOf(response.href, components);
    if (place.type === 'foreign') {
      throw refusal(attempt, 'protocol', `the server lists '${response.href}', which is not in it`);
    }
    if (place.type === 'self') self = response;
    else if (response.status === 404) continue;
    else if (response.status >= 300) throw statusFailure(attempt, response.status);
    else children.push({ name: place.name, response });
  }
  if (self === null) throw refusal(attempt, 'protocol', 'the server leaves out the directory itself');
  if (!self.collection) throw refusal(attempt, 'changed', 'it is not a directory');
  return children;
}
