/** On a server that folds names: gives what it keeps under one spelling another one. */
import { join, nameOf, parentOf } from '../../core/path.js';
import type { SftpChannel } from '../../ssh/channel.js';
import { clearAside, makeAside } from './aside.js';
import { offers } from './capabilities.js';
import type { SftpContext } from './context.js';
import { failureOf, concernsLink, refusal } from './failures.js';
import { listDirectory } from './listing.js';
import { tempPathBeside } from './temp.js';

/**
 * See `Storage.respell`. Some servers rename in one step. Others say that they did and keep the old spelling, or refuse since
 * something (the very same thing) is there: by way of the temp's aside no request names both spellings.
 */
export async function respell(
  context: SftpContext,
  path: string,
  stored: string,
  name: string,
): Promise<void> {
  const attempt = context.attempt('give its new spelling to', context.paths.below(path));
  const from = context.paths.below(join(parentOf(path) ?? '', stored));
  const temp = tempPathBeside(context, path, name);
  const channel = await context.channel('transfer');
  await context.directories.confirmParent(channel, path);
  context.directories.forget(path);
  try {
    await renameAtOnce(channel, from, attempt.path);
    if (await isListed(channel, attempt.path)) return;
    await renameByAside(channel, from, attempt.path, temp);
    if (await isListed(channel, attempt.path)) return;
  } catch (error) {
    throw failureOf(attempt, error);
  }
  throw refusal(attempt, 'unsupported', `the server goes on spelling it ${JSON.stringify(stored)}`);
}

async function renameAtOnce(channel: SftpChannel, from: string, to: string): Promise<void> {
  try {
    if (offers(channel.extensions, 'posixRename')) await channel.posixRename(from, to);
    else await channel.rename(from, to);
  } catch (error) {
    // Whatever a server has against it: the listing tells what came of it.
    if (concernsLink(error)) throw error;
  }
}

async function renameByAside(channel: SftpChannel, from: string, to: string, temp: string): Promise<void> {
  const aside = await makeAside(channel, temp);
  const waiting = `${aside}/${nameOf(to)}`;
  const [moved, renamed] = await Promise.allSettled([
    channel.rename(from, waiting),
    channel.rename(waiting, to),
  ]);
  if (renamed.status === 'rejected' && concernsLink(renamed.reason)) throw renamed.reason;
  // What was not done is done by this, and what still waits comes back.
  await clearAside(channel, temp);
  if (moved.status === 'rejected') throw moved.reason;
}

async function isListed(channel: SftpChannel, serverPath: string): Promise<boolean> {
  const slash = serverPath.lastIndexOf('/');
  const directory = slash === -1 ? '.' : serverPath.slice(0, slash) || '/';
  const items = await listDirectory(channel, directory);
  // The Unicode form of a listing is the server's own affair.
  const wanted = nameOf(serverPath).normalize('NFC');
  return items.some(({ name }) => name.normalize('NFC') === wanted);
}
