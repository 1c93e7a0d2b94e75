import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { acquireLock } from '../../src/state/lock.js';
import { openState } from '../../src/state/open.js';
import { freshFolder } from '../support/folder.js';
import { type Child, startChild } from './child.js';

async function startContender(folder: string): Promise<Child> {
  const child = startChild('contend', [folder]);
  onTestFinished(() => void child.process.kill('SIGKILL'));
  expect(await child.line()).toBe('ready');
  return child;
}

async function ask(child: Child): Promise<string | null> {
  child.process.stdin!.write('go\n');
  return child.line();
}

test('a second agent is refused with the process id of the first, and let in when that has released', async () => {
  const folder = join(freshFolder('state'), 'pair');
  const first = await acquireLock(folder);
  expect(await ask(await startContender(folder))).toContain(`(process ${process.pid})`);
  await expect(acquireLock(folder)).rejects.toMatchObject({
    code: 'locked',
    message: expect.stringContaining(`process ${process.pid}`),
  });
  first.release();
  first.release();
  expect(existsSync(join(folder, 'agent.lock'))).toBe(false);
  (await acquireLock(folder)).release();
});

test('the lock of an agent killed with -9 is free at once, whatever it left behind', async () => {
  const folder = freshFolder('state');
  const holder = await startContender(folder);
  expect(await ask(holder)).toBe('won');
  await expect(acquireLock(folder)).rejects.toThrow(`process ${String(holder.process.pid)}`);
  holder.process.kill('SIGKILL');
  await holder.ended;
  expect(readFileSync(join(folder, 'agent.lock'), 'utf8')).toContain(String(holder.process.pid));
  (await acquireLock(folder)).release();
});

test('of several that take over a dead one’s lock at the same moment exactly one wins, and the others name it', async () => {
  const folder = freshFolder('state');
  for (let round = 0; round < 4; round++) {
    const contenders = await Promise.all(Array.from({ length: 5 }, () => startContender(folder)));
    const answers = await Promise.all(contenders.map(ask));
    const winner = contenders[answers.indexOf('won')];
    expect(answers.filter((answer) => answer === 'won')).toHaveLength(1);
    for (const answer of answers) {
      if (answer !== 'won') expect(answer).toContain(`process ${String(winner!.process.pid)}`);
    }
    winner!.process.kill('SIGKILL');
    await Promise.all(contenders.map((child) => child.ended));
  }
});

test('a process id that lives but is not the one that wrote the file is not named', async () => {
  const folder = freshFolder('state');
  const holder = await startContender(folder);
  expect(await ask(holder)).toBe('won');
  for (const text of [`${process.pid} 1\n`, 'nonsense\n', '']) {
    writeFileSync(join(folder, 'agent.lock'), text);
    await expect(acquireLock(folder)).rejects.toThrow(/^another agent already works/);
  }
});

test('opening the state does not undo the lock of the same process', async () => {
  const folder = freshFolder('state');
  const lock = await acquireLock(folder);
  await (await openState({ folder, label: 'test' })).close();
  await expect(acquireLock(folder)).rejects.toMatchObject({ code: 'locked' });
  expect(await ask(await startContender(folder))).toContain(`process ${process.pid}`);
  lock.release();
});
