import { expect, test } from 'vitest';
import type { Log } from '../../src/ports.js';
import type { Notifier } from '../../src/serve/notify.js';
import { supervise } from '../../src/serve/supervise.js';
import { ManualClock } from '../support/manual-clock.js';

/** A supervisor over a notifier that keeps what it is told. */
function supervised(watchdogMs: number | null) {
  const told: string[] = [];
  const notifier: Notifier = {
    active: true,
    watchdogMs,
    ready: () => void told.push('ready'),
    status: (text) => void told.push(text),
    alive: () => void told.push('alive'),
    stopping: () => void told.push('stopping'),
    close: () => Promise.resolve(),
  };
  const errors: string[] = [];
  const nothing = () => undefined;
  const log: Log = { debug: nothing, info: nothing, warn: nothing, error: (text) => void errors.push(text) };
  const clock = new ManualClock();
  return { told, errors, clock, supervisor: supervise({ notifier, clock, log }) };
}

/** Lets promises that are settled already have their effect. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test('the watchdog is fed twice within its limit, after the state was written', async () => {
  const { told, clock, supervisor } = supervised(3000);
  let written = 0;
  supervisor.attach({
    statusText: () => Promise.resolve('fine'),
    alive: async () => {
      written++;
    },
  });
  for (let beat = 0; beat < 4; beat++) {
    clock.advance(1500);
    await turns();
  }
  expect(written).toBe(4);
  expect(told.filter((one) => one === 'alive')).toHaveLength(4);
  await supervisor.close();
  expect(clock.timers).toBe(0);
});

test('nor is it fed while the state cannot be written, and this is said once', async () => {
  const { told, errors, clock, supervisor } = supervised(3000);
  let works = false;
  const alive = () => (works ? Promise.resolve() : Promise.reject(new Error('disk full')));
  supervisor.attach({ statusText: () => Promise.resolve('fine'), alive });
  for (let beat = 0; beat < 3; beat++) {
    clock.advance(1500);
    await turns();
  }
  expect(told).not.toContain('alive');
  expect(errors).toHaveLength(1);
  works = true;
  clock.advance(1500);
  await turns();
  expect(told).toContain('alive');
  await supervisor.close();
});

test('an agent that hangs while its state is written is not called alive', async () => {
  const { told, clock, supervisor } = supervised(3000);
  supervisor.attach({ statusText: () => Promise.resolve('fine'), alive: () => new Promise(() => undefined) });
  clock.advance(60_000);
  await turns();
  expect(told).not.toContain('alive');
  await supervisor.close();
});

test('it is ready once, and events make one status a second', async () => {
  const { told, clock, supervisor } = supervised(null);
  let asked = 0;
  supervisor.attach({ statusText: async () => `status ${String(++asked)}`, alive: () => Promise.resolve() });
  supervisor.ready();
  supervisor.ready();
  for (let event = 0; event < 100; event++) supervisor.changed();
  clock.advance(1000);
  await turns();
  expect(told).toEqual(['ready', 'status 1']);
  supervisor.stopping();
  await supervisor.close();
  supervisor.ready();
  supervisor.changed();
  clock.advance(60_000);
  await turns();
  expect(told).toEqual(['ready', 'status 1', 'stopping', 'stopping']);
});
