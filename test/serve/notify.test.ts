import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Log } from '../../src/ports.js';
import { createNotifier } from '../../src/serve/notify.js';
import { freshFolder } from '../support/folder.js';
import { ManualClock } from '../support/manual-clock.js';
import { canNotify, notifySocket } from './notify-socket.js';

function warnings() {
  const said: string[] = [];
  const log: Log = {
    debug: () => undefined,
    info: () => undefined,
    warn: (message) => void said.push(message),
    error: () => undefined,
  };
  return { said, log };
}

/** A notifier whose `systemd-notify` is a script that writes each call to a line. */
function scripted(body = 'echo "$@" >> "$CALLS"', more: Record<string, string> = {}) {
  const folder = freshFolder('bin');
  const calls = join(folder, 'calls');
  writeFileSync(calls, '');
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\n${body}\n`);
  chmodSync(join(folder, 'systemd-notify'), 0o755);
  const env = { NOTIFY_SOCKET: '/x', PATH: `${folder}:/usr/bin:/bin`, CALLS: calls, ...more };
  const clock = new ManualClock();
  const { said, log } = warnings();
  const notifier = createNotifier({ env, clock, log, pid: 42 });
  const told = async () => {
    await notifier.close();
    return readFileSync(calls, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
  };
  return { notifier, clock, said, told };
}

test('does nothing where nobody listens', async () => {
  const { log } = warnings();
  const notifier = createNotifier({ env: { WATCHDOG_USEC: '1000' }, log, pid: 1 });
  expect(notifier).toMatchObject({ active: false, watchdogMs: null });
  notifier.ready();
  await notifier.close();
});

test.each([
  [{ WATCHDOG_USEC: '3000000' }, 3000],
  [{ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '42' }, 3000],
  [{ WATCHDOG_USEC: '3000000', WATCHDOG_PID: '43' }, null],
  [{ WATCHDOG_USEC: 'soon' }, null],
  [{}, null],
])('the watchdog of %j is %j ms', (env, watchdogMs) => {
  expect(scripted('', env).notifier.watchdogMs).toBe(watchdogMs);
});

test('status lines come at most once a second, the last one counts, and each is one line', async () => {
  const { notifier, clock, told } = scripted();
  notifier.status('one');
  notifier.status('two');
  notifier.status('three\nREADY=1');
  clock.advance(999);
  notifier.status('four\r\nMAINPID=1');
  clock.advance(1);
  clock.advance(5000);
  notifier.status('four MAINPID=1');
  expect(clock.timers).toBe(0);
  const lines = await told();
  expect(lines.filter((line) => line.includes('STATUS=two') || line.includes('STATUS=three'))).toEqual([]);
  expect(lines.at(-1)).toBe('--no-block STATUS=four MAINPID=1');
});

test('one message at a time; what is said meanwhile goes together', async () => {
  const { notifier, told } = scripted();
  notifier.alive(60_000);
  notifier.ready();
  notifier.alive(60_000);
  notifier.stopping();
  expect(await told()).toEqual([
    '--no-block WATCHDOG=1 EXTEND_TIMEOUT_USEC=60000000',
    '--no-block READY=1 WATCHDOG=1 STOPPING=1',
  ]);
});

test('a messenger that fails is told once, and no failure of ours', async () => {
  const { notifier, said } = scripted('exit 1');
  notifier.ready();
  await notifier.close();
  expect(said).toEqual(['systemd could not be told how the service is doing']);
  const missing = warnings();
  const none = createNotifier({ env: { NOTIFY_SOCKET: '/x', PATH: '/nowhere' }, log: missing.log, pid: 1 });
  none.ready();
  await none.close();
  expect(missing.said).toHaveLength(1);
});

describe.skipIf(!canNotify)('with the real messenger', () => {
  test('messages arrive', async () => {
    const socket = await notifySocket();
    onTestFinished(() => socket.close());
    const { log } = warnings();
    const env = { ...process.env, NOTIFY_SOCKET: socket.path };
    const notifier = createNotifier({ env, log, pid: 1 });
    notifier.status('all is well: 3 of 7');
    notifier.ready();
    await notifier.close();
    await socket.heard((one) => one === 'STATUS=all is well: 3 of 7');
    await socket.heard((one) => one === 'READY=1');
  });
});
