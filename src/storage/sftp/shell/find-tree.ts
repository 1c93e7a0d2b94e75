/** Lists the whole tree by one `find` on the server. */
import type { RemoteShell } from './remote-shell.js';
import { readFields } from './fields.js';
import { closedFormat, FoundTree, recordFormat } from './found-tree.js';

/** More paths than this are left to SFTP, which needs no memory for them. */
const pathsMax = 2_000_000;

/**
 * Everything below the root; `null` when any of it could not be read, went away while it was read, or is too much: find
 * goes on after such a failure, and what it did not see must not look as if it were not there. Its own success at the very
 * end vouches for every directory. Those that this user may not list are left out beforehand: SFTP is to say why.
 * @throws `network`, `unsupported`, the signal's reason
 */
export async function findTree(
  shell: RemoteShell,
  mark: string,
  signal: AbortSignal,
): Promise<FoundTree | null> {
  const marks = { begin: `begin ${mark}`, end: `end ${mark}` };
  const script = [
    `printf '${marks.begin}\\0'`,
    `find . -mindepth 1 -noleaf \\( -type d \\( ! -readable -o ! -executable \\) -prune -printf '${closedFormat}' \\) -o -printf '${recordFormat}'`,
    `printf '${marks.end}\\0'`,
  ].join(' && ');
  const tree = new FoundTree();
  const records: Buffer[] = [];
  const stream = await shell.start('find', script, { signal });
  const whole = await readFields(stream, marks, (field) => {
    const record = records.pop();
    if (record !== undefined) return tree.count < pathsMax && tree.add(record, field);
    records.push(field);
    return true;
  });
  return whole && records.length === 0 ? tree : null;
}
