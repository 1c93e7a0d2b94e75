/** The kernel tells less than everything: its queue overflows, or it allows too few watches. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { server, started, temps } from '../support/faults.js';
import { type LogLine, type TestPair, freshPair, towline } from '../support/towline.js';

/** `count` files in each folder; the folders are made. */
function fill(root: string, folders: readonly string[], count: number): void {
  for (const folder of folders) {
    mkdirSync(join(root, folder), { recursive: true });
    for (let n = 0; n < count; n++)
      writeFileSync(join(root, folder, `f${String(n)}`), `${folder} ${String(n)}`);
  }
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${String(index)}`);
}

/** Every folder holds its files over there. Cheap to ask again: it stops at the first that does not. */
async function allArrive(pair: TestPair, folders: readonly string[]): Promise<void> {
  await eventually(() => {
    for (const folder of folders) {
      const there = readdirSync(join(pair.remote, folder)).length;
      expect(`${folder} ${String(there)}`).toBe(
        `${folder} ${String(readdirSync(join(pair.local, folder)).length)}`,
      );
    }
  }, 110_000);
}

async function editsArrive(pair: TestPair, folders: readonly string[], text: string): Promise<void> {
  for (const folder of folders) writeFileSync(join(pair.local, folder, 'f0'), `${folder} ${text}`);
  await eventually(() => {
    for (const folder of folders) {
      expect(readFileSync(join(pair.remote, folder, 'f0'), 'utf8')).toBe(`${folder} ${text}`);
    }
  });
}

test('30,000 files made while the agent stands still, more than the kernel queues: all arrive', async () => {
  const sshd = await server();
  const pair = freshPair(sshd);
  const old = names('old', 20);
  fill(pair.local, old, 1);
  const agent = started(pair);
  await agent.ready();
  const made = [...names('new', 80), ...names('deep/in/the/tree', 20)];
  agent.process.kill('SIGSTOP');
  fill(pair.local, old, 1000);
  fill(pair.local, made, 100);
  const from = agent.lines.length;
  agent.process.kill('SIGCONT');
  await allArrive(pair, [...old, ...made]);
  await agent.line(({ msg }) => msg === 'the folder is watched anew', from);
  // It waits for every scan asked for so far: from here on only the watcher can find an edit soon.
  const compared = await towline(['rescan', pair.local, pair.target, ...pair.flags]);
  expect(compared).toMatchObject({ code: 0, stderr: '' });
  await editsArrive(pair, [...old, ...made], 'edited later');
  await eventually(() => {
    expect(temps(pair)).toEqual([]);
  });
}, 180_000);

/** Runs a command with so many watches, in a user namespace of its own: nobody else's limit changes. */
const limited = (watches: number): [string, ...string[]] => [
  'unshare',
  ...['--user', '--map-root-user', 'sh', '-c'],
  `echo ${String(watches)} > /proc/sys/user/max_inotify_watches && exec "$@"`,
  'sh',
];

function canLimit(): boolean {
  const [command, ...args] = limited(5);
  try {
    execFileSync(command, [...args, 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    // No user namespaces here (a container without the right, another system).
    return false;
  }
}

test('too few watches: said once with what raises the limit, and edits are found by comparing', async ({
  skip,
}) => {
  if (!canLimit()) skip('this machine gives no user namespace with limits of its own');
  const sshd = await server();
  const pair = freshPair(sshd);
  const folders = names('d', 40);
  fill(pair.local, folders, 2);
  const agent = started(pair, [], { wrap: limited(10) });
  const isNotice = ({ code }: LogLine) => code === 'watch-limit';
  const notice = await agent.line(isNotice);
  expect(notice.msg).toContain('sysctl fs.inotify.max_user_watches');
  await allArrive(pair, folders);
  await editsArrive(pair, folders, 'first');
  await editsArrive(pair, folders, 'second');
  expect(agent.lines.filter(isNotice)).toHaveLength(1);
});
