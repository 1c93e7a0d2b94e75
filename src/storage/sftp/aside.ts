/**
 * Asides: where a server cannot do it in one step, what has to make way waits in a directory of its own beside its place,
 * `.towline-<agent>-<random>.old`, under its own name. So whoever finds an aside knows what to do with it: what is in it goes
 * back to its place if nothing is there, and away otherwise.
 *
 * It is a directory, and made before anything else is sent, for the sake of a session that was frozen and wakes later: once
 * the aside is gone, nothing that it still has in its pipe can move anything into it.
 */
import { hasCode } from '../../core/errors.js';
import { nameProblem } from '../../core/path.js';
import { asideOf } from '../../core/tempname.js';
import type { SftpChannel } from '../../ssh/channel.js';
import { concernsLink } from './failures.js';
import { listDirectory } from './listing.js';

/** How often an aside is emptied anew that others fill meanwhile. */
const emptyingsMax = 4;

/** Makes the (empty) aside of a temp and returns its server path. */
export async function makeAside(channel: SftpChannel, temp: string): Promise<string> {
  const aside = asideOf(temp);
  await channel.makeDirectory(aside, { mode: 0o700 });
  return aside;
}

/**
 * Sees to it that the aside of this temp is not there (any more): what is in it goes back to its place or, when something
 * is there, away. A directory is never removed with its contents.
 * @throws what the server refuses; `network`
 */
export async function clearAside(channel: SftpChannel, temp: string): Promise<void> {
  const aside = asideOf(temp);
  for (let emptied = 1; ; emptied++) {
    try {
      await channel.removeDirectory(aside);
      return;
    } catch (error) {
      if (hasCode(error, 'not-found')) return;
      if (concernsLink(error) || emptied === emptyingsMax) throw error;
    }
    await empty(channel, aside);
  }
}

async function empty(channel: SftpChannel, aside: string): Promise<void> {
  const above = aside.slice(0, aside.lastIndexOf('/') + 1);
  for (const { name } of await listDirectory(channel, aside)) {
    if (nameProblem(name) === null) await bringBack(channel, `${aside}/${name}`, `${above}${name}`);
  }
}

async function bringBack(channel: SftpChannel, from: string, place: string): Promise<void> {
  // Looked at first: there are servers whose RENAME overwrites.
  if ((await channel.lstatOrNull(place)) === null) {
    try {
      await channel.rename(from, place);
      return;
    } catch (error) {
      if (hasCode(error, 'not-found')) return;
      // Somebody was faster, or it is not allowed: the next look at the place tells.
      if (concernsLink(error) || (await channel.lstatOrNull(place)) === null) throw error;
    }
  }
  await channel.removeFile(from).catch((error: unknown) => {
    if (!hasCode(error, 'not-found')) throw error;
  });
}
