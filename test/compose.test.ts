/** A pair that cannot be put together leaves nothing open: a program would never end. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { TowlineError, watch } from '../src/index.js';
import { eventually } from './support/eventually.js';
import { startSshd, type TestSshd } from './support/sshd.js';
import { freshPair } from './support/towline.js';

/** Connections of this process to others. */
function connections(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

vi.mock('../src/serve/open-control.js', () => ({
  openControl: async () => {
    await eventually(() => expect(connections()).toBeGreaterThan(0));
    throw new TowlineError('state', 'no place for a socket', { path: 'control.sock' });
  },
}));

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

test('the connection is closed, and the pair is free again', async () => {
  await eventually(() => expect(connections()).toBe(0));
  const { local, target, stateDir } = freshPair(sshd);
  const options = { local, remote: target, stateDir, sshConfig: sshd.sshConfigFile };
  for (let round = 0; round < 2; round++) {
    // Not `locked` the second time.
    await expect(watch(options, { control: true })).rejects.toMatchObject({ code: 'state' });
    await eventually(() => expect(connections()).toBe(0));
  }
});
