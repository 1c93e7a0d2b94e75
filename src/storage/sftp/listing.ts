/** Lists one directory of the server. */
import { hasCode } from '../../core/errors.js';
import type { DirectoryItem, Handle, SftpChannel } from '../../ssh/channel.js';

/** READDIR requests under way on one handle: at first, and at most. OpenSSH answers each with up to 100 names. */
const readsAtFirst = 2;
const readsMax = 16;

/**
 * All names in a directory with their attributes, without `.` and `..`, in the server's order. Several READDIR are under
 * way at once: one at a time, 20,000 names over 50 ms would take ten seconds.
 * @throws what OPENDIR or READDIR failed with: a listing is whole or it is a failure
 */
export async function listDirectory(channel: SftpChannel, serverPath: string): Promise<DirectoryItem[]> {
  const handle = await channel.openDirectory(serverPath);
  const { items, failure } = await readAll(channel, handle);
  // Not waited for, and nothing depends on it; a dead channel shows itself in the next request.
  void Promise.allSettled([channel.closeHandle(handle)]);
  if (failure !== null) throw failure.error;
  if (items.length === 0) await confirmEmpty(channel, serverPath);
  return items;
}

/**
 * OpenSSH leaves out what it cannot look at. In a directory that may be read but not entered that is everything, and such
 * a listing is not to be taken for an empty directory.
 */
async function confirmEmpty(channel: SftpChannel, serverPath: string): Promise<void> {
  try {
    await channel.lstat(`${serverPath}/.`);
  } catch (error) {
    // Other servers may not know this spelling.
    if (hasCode(error, 'permission', 'network')) throw error;
  }
}

interface Outcome {
  readonly items: DirectoryItem[];
  readonly failure: { readonly error: unknown } | null;
}

/** Reads until the first end or failure, and then waits for all that is under way: the handle is free afterwards. */
async function readAll(channel: SftpChannel, handle: Handle): Promise<Outcome> {
  const items: DirectoryItem[] = [];
  const underWay: Promise<PromiseSettledResult<DirectoryItem[] | null>[]>[] = [];
  let failure: Outcome['failure'] = null;
  let ended = false;
  let parts = 0;
  let reads = readsAtFirst;
  const fill = () => {
    while (underWay.length < reads) underWay.push(Promise.allSettled([channel.readDirectory(handle)]));
  };
  fill();
  for (let next = underWay.shift(); next !== undefined; next = underWay.shift()) {
    const [part] = await next;
    if (part!.status === 'rejected') failure ??= { error: part!.reason };
    else if (part!.value !== null) items.push(...part!.value);
    ended ||= part!.status === 'rejected' || part!.value === null;
    parts++;
    // Most directories fit into the first answer, and the second is the end: no more is asked for until it is not.
    if (ended || parts < readsAtFirst) continue;
    reads = Math.min(reads * 2, readsMax);
    fill();
  }
  return { items, failure };
}
