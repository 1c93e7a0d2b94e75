/** Scans the tree: one ordered stream from listings that are made ahead, on a channel of their own. */
import { separated } from '../../core/fold.js';
import { orderedWalk } from '../../core/walk.js';
import type { ScanItem } from '../../core/stream.js';
import type { ScanRequest } from '../../ports.js';
import type { SftpContext } from './context.js';
import { type FindHistory, ScanAhead } from './scan-ahead.js';
import { ScanLister } from './scan-lister.js';
import type { RemoteShell } from './shell/remote-shell.js';

/** Directories listed at once, items held ahead of the consumer, and items in one batch, at most. */
const listingsMax = 32;
const bufferedMax = 20_000;
const batchMax = 1000;

/** A shell that may list a large tree in one go. */
export interface ScanShell {
  readonly shell: RemoteShell;
  readonly history: FindHistory;
}

/**
 * See `Storage.scan`.
 * @throws what listing `under` failed with; `network`; `interrupted`
 */
export async function* scan(
  context: SftpContext,
  request: ScanRequest,
  helper: ScanShell | null = null,
): AsyncGenerator<ScanItem[], void, undefined> {
  context.paths.of(request.under);
  const channel = await context.channel('scan');
  await context.directories.confirm(channel, request.under);
  const whole = request.under === '' && helper !== null;
  const ahead = whole ? new ScanAhead(helper.shell, helper.history, request.hint === true) : null;
  const lister = new ScanLister(context, channel, request, ahead);
  try {
    yield* orderedWalk({
      under: request.under,
      flat: request.flat,
      list: async (directory) => separated(await lister.list(directory), request.folding),
      concurrency: listingsMax,
      bufferedMax,
      batchMax,
      signal: request.signal,
    });
    ahead?.done();
  } finally {
    ahead?.stop();
  }
}
