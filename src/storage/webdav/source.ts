/** The read side: a file is read by ranges. */
import type { Source } from '../../ports.js';
import type { WebdavContext } from './context.js';
import { refusal, type Attempt } from './failures.js';
import { plainEtag } from './multistatus.js';
import { look } from './propfind.js';
import { sameAsExpected } from './same.js';

/** The largest file `readText` reads, bytes. */
const textBytesMax = 1024 * 1024;

/**
 * Opens a regular file: see `Storage.openSource`.
 * @throws `vanished`, `changed` (a directory), `permission`, `network`
 */
export async function openSource(context: WebdavContext, path: string): Promise<Source> {
  const attempt = context.attempt('read', path);
  const url = context.urls.below(path);
  const entry = await look(context, attempt, path);
  if (entry === null) throw refusal(attempt, 'vanished');
  if (entry.kind !== 'file') throw refusal(attempt, 'changed', 'it is not a regular file');
  const reading: Reading = { attempt, url, size: entry.size, etag: null };
  return {
    entry,
    fingerprint: `${String(entry.size)}:${String(entry.mtimeMs)}:${entry.etag ?? ''}`,
    read: (offset, length) => readRange(context, reading, offset, length),
    check: async () => {
      const now = await look(context, attempt, path);
      if (now === null) return 'vanished';
      if (sameAsExpected(now, entry)) return 'same';
      return now.kind === 'file' && now.size > entry.size ? 'grown' : 'changed';
    },
    close: () => Promise.resolve(),
  };
}

interface Reading {
  readonly attempt: Attempt;
  readonly url: string;
  /** At opening. */
  readonly size: number;
  /** Of the first part that was read: some servers have another one in their listings. */
  etag: string | null;
}

/** Up to the length at opening: what a file grew by afterwards is not read. */
async function readRange(
  context: WebdavContext,
  reading: Reading,
  offset: number,
  length: number,
): Promise<Buffer> {
  const { attempt, url } = reading;
  const wanted = Math.min(length, reading.size - offset);
  if (wanted <= 0) return Buffer.alloc(0);
  const answer = await context.session.send({
    method: 'GET',
    url,
    headers: { Range: `bytes=${String(offset)}-${String(offset + wanted - 1)}` },
  });
  const { status } = answer;
  if (!answer.ok) {
    await answer.drain();
    if (status === 404 || status === 410) throw refusal(attempt, 'vanished');
    // Shorter than it was: the check behind the last read says so.
    if (status === 416) return Buffer.alloc(0);
    throw context.refused(attempt, answer);
  }
  const etag = answer.header('etag');
  reading.etag ??= etag;
  if (etag !== null && reading.etag !== null && plainEtag(etag) !== plainEtag(reading.etag)) {
    await answer.drain();
    throw refusal(attempt, 'changed', 'it was replaced while it was read');
  }
  // A server without ranges gives everything: what lies ahead is passed over.
  if (status !== 206) return answer.bytes(wanted, offset);
  const from = /^bytes (\d+)-/.exec(answer.header('content-range') ?? '')?.[1];
  if (Number(from) === offset) return answer.bytes(wanted);
  await answer.drain();
  throw refusal(attempt, 'protocol', 'the server gives another part of it than was asked for');
}

/**
 * The text of a small file, or `null` when there is no regular file of this name.
 * @throws `unsupported` beyond 1 MiB; `permission`, `network`
 */
export async function readText(context: WebdavContext, path: string): Promise<string | null> {
  const attempt = context.attempt('read', path);
  context.urls.below(path);
  const entry = await look(context, attempt, path);
  if (entry?.kind !== 'file') return null;
  if (entry.size > textBytesMax) {
    throw refusal(attempt, 'unsupported', `it is larger than ${String(textBytesMax)} bytes`);
  }
  const reading = { attempt, url: context.urls.below(path), size: entry.size, etag: null };
  const text = await readRange(context, reading, 0, textBytesMax);
  return text.toString('utf8');
}
