/** The kernel's limits, met for real: in a user namespace of its own a process may be given few watches. */
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freshFolder } from '../support/folder.js';
import { type Child, startChild } from '../state/child.js';

const script = '../../watch/children/limited';
const limit = (watches: number) => [
  'unshare',
  '--user',
  '--map-root-user',
  'sh',
  '-c',
  `echo ${watches} > /proc/sys/user/max_inotify_watches && exec "$@"`,
  'sh',
];

function canLimit(): boolean {
  const [command, ...args] = [...limit(5), 'true'];
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    // No user namespaces here (a container without the right, another system).
    return false;
  }
}

function folders(count: number): string {
  const root = freshFolder('limits');
  for (let n = 0; n < count; n++) mkdirSync(join(root, `${n}`));
  return root;
}

function start(root: string, watches: number): Child {
  const child = startChild(script, [root], limit(watches));
  onTestFinished(() => child.ended.then(() => undefined));
  onTestFinished(() => void child.process.stdin?.end());
  return child;
}

const told = async (child: Child): Promise<unknown> => JSON.parse((await child.line())!);

test.runIf(canLimit())('too few watches for the tree are one refusal that names the limit', async () => {
  const child = start(folders(50), 10);
  expect(await told(child)).toEqual({
    what: 'refused',
    code: 'unsupported',
    message: expect.stringContaining('fs.inotify.max_user_watches'),
  });
  child.process.stdin?.end();
  expect(await child.line()).toBeNull();
});

test.runIf(canLimit())('running out of watches later is one error', async () => {
  const root = folders(5);
  const child = start(root, 10);
  expect(await told(child)).toEqual({ what: 'started' });
  for (let n = 0; n < 50; n++) mkdirSync(join(root, `more${n}`));
  expect(await told(child)).toMatchObject({ what: 'error', code: 'unsupported' });
  child.process.stdin?.end();
  expect(await child.line()).toBeNull();
});
