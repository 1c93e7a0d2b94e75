import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freshFolder } from '../support/folder.js';

/** Whether systemd's messenger and something that can receive its datagrams are here. */
export const canNotify = ['systemd-notify', 'python3'].every(
  (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0,
);

// Node cannot receive datagrams over a unix socket.
const receiver = `
import json, socket, sys
held = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
held.bind(sys.argv[1])
print('"bound"', flush=True)
while True:
    print(json.dumps(held.recv(65536).decode()), flush=True)
`;

/** What stands where systemd would: a socket that keeps every message. */
export interface NotifySocket {
  readonly path: string;
  /** Assignments in the order in which they came, such as `READY=1`. */
  readonly said: readonly string[];
  /** Resolves once an assignment has come, from the place `from` on, for which `test` is true; with its place. */
  heard(test: (assignment: string) => boolean, from?: number): Promise<number>;
  close(): Promise<void>;
}

/** Opens the socket. It ends with the test process at the latest. */
export async function notifySocket(): Promise<NotifySocket> {
  const path = join(freshFolder('notify'), 'socket');
  const child = spawn('python3', ['-c', receiver, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const said: string[] = [];
  const wakers = new Set<() => void>();
  const bound = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const text = JSON.parse(line) as string;
    if (text === 'bound') {
      bound.resolve();
      return;
    }
    said.push(...text.split('\n').filter((one) => one !== ''));
    for (const wake of wakers) wake();
  });
  await bound.promise;
  return {
    path,
    said,
    heard: async (test, from = 0) => {
      for (let next = from; ; next++) {
        while (next >= said.length) await woken(wakers);
        if (test(said[next]!)) return next;
      }
    },
    close: () => end(child, kill),
  };
}

function woken(wakers: Set<() => void>): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      wakers.delete(wake);
      resolve();
    };
    wakers.add(wake);
  });
}

async function end(child: ChildProcess, kill: () => void): Promise<void> {
  process.off('exit', kill);
  const ended = once(child, 'exit');
  kill();
  await ended;
}
