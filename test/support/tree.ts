import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What two sides must agree on, path by path: kind, mode, content or target, and mtimes in whole seconds. */
export function treeOf(root: string, { directoryTimes = false } = {}): Record<string, string> {
  const tree: Record<string, string> = {};
  const visit = (folder: string, prefix: string) => {
    for (const name of readdirSync(folder)) {
      const path = prefix === '' ? name : `${prefix}/${name}`;
      const stats = lstatSync(join(root, path));
      const time = Math.floor(stats.mtimeMs / 1000);
      const mode = (stats.mode & 0o7777).toString(8);
      if (stats.isDirectory()) {
        tree[path] = `directory ${mode}${directoryTimes ? ` ${String(time)}` : ''}`;
        visit(join(root, path), path);
      } else if (stats.isSymbolicLink()) {
        tree[path] = `symlink ${readlinkSync(join(root, path))} ${String(time)}`;
      } else {
        tree[path] =
          `file ${mode} ${String(time)} ${String(stats.size)} ${digest(readFileSync(join(root, path)))}`;
      }
    }
  };
  visit(root, '');
  return tree;
}

function digest(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex').slice(0, 16);
}

/** What rsync would still do to make `to` equal `from`: nothing, when they are. */
export function rsyncDifferences(from: string, to: string, flags: readonly string[] = []): string[] {
  const output = execFileSync(
    'rsync',
    ['-rlptc', '--omit-dir-times', '--dry-run', '--itemize-changes', ...flags, `${from}/`, `${to}/`],
    { encoding: 'utf8', maxBuffer: 2 ** 26 },
  );
  return output.split('\n').filter((line) => line !== '');
}
