/**
 * A server's shell may see another tree than SFTP does (a chroot, a container): what it says of the root is only believed
 * once it was shown to be in that very directory.
 *
 * Where we may write, by a file that SFTP makes in the root, under a name nobody can know: it must be there for the shell
 * too. Where we may not, by what inotifywait there tells of SFTP's own looking (witness.ts). Where there is none, the two
 * are compared by what they say (agreement.ts), which is no proof: then only find is used, and only for hints
 * (`ScanRequest.hint`), so that a wrong tree may delay what is seen until the next full scan, and no more.
 */
import { hasCode } from '../../../core/errors.js';
import type { Handle } from '../../../ssh/channel.js';
import type { MomentaryFiles } from '../momentary-files.js';
import { agrees } from './agreement.js';
import { answers, type LookParts, type Tool } from './tools.js';
import { witness } from './witness.js';

/** What works in the server's shell. */
export interface ShellTools extends Readonly<Record<Tool, boolean>> {
  /** It is in the very directory that SFTP shows, and not only in one that looks like it. */
  readonly certain: boolean;
}

export interface ProbeParts extends LookParts {
  readonly momentary: MomentaryFiles;
}

/**
 * What the shell can do in the root; `null` when there is none, or it sees something else.
 * @param name of the file that is made in the root for a moment
 * @throws `network`; `not-found` when there is no root
 */
export async function probe(parts: ProbeParts, name: string): Promise<ShellTools | null> {
  const { channel, paths, momentary } = parts;
  const path = paths.below(name);
  let handle: Handle;
  try {
    handle = await momentary.create(channel, path);
  } catch (error) {
    if (hasCode(error, 'network', 'not-found')) throw error;
    // Nothing can be proven where nothing may be written.
    return null;
  }
  try {
    await Promise.allSettled([channel.closeHandle(handle)]);
    const said = await answers(parts, name);
    return said.has('root') ? toolsOf((tool) => said.has(tool), true) : null;
  } finally {
    // A dead channel shows itself in the next request.
    await Promise.allSettled([momentary.remove(channel, path)]);
  }
}

/**
 * The same without writing anything.
 * @throws `network`; `not-found` when there is no root
 */
export async function probeByLooking(parts: ProbeParts): Promise<ShellTools | null> {
  const { channel, paths } = parts;
  try {
    await channel.stat(paths.root);
  } catch (error) {
    if (hasCode(error, 'network', 'not-found')) throw error;
    return null;
  }
  const said = await answers(parts, null);
  const seen = said.has('inotifywait') ? await witness(parts) : 'nothing';
  if (seen === 'us') return toolsOf((tool) => said.has(tool), true);
  // Where it told of others, or of nobody though it watched, it is in another directory, whatever that looks like.
  if (seen === 'others' || !said.has('find') || !(await agrees(parts))) return null;
  return toolsOf((tool) => tool === 'find', false);
}

function toolsOf(has: (tool: Tool) => boolean, certain: boolean): ShellTools {
  return {
    find: has('find'),
    sha256sum: has('sha256sum'),
    sort: has('sort'),
    inotifywait: has('inotifywait'),
    tar: has('tar'),
    certain,
  };
}
