/** A checkout may bring a towline.json of somebody else's: what it reaches for needs the user's agreement. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshFolder } from '../support/folder.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { freshPair, towline } from '../support/towline.js';

let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

test.each(['push', 'watch', 'status', 'service', 'doctor', 'flush'])(
  '%s in a hostile checkout runs nothing of it, and sends nothing',
  async (command) => {
    const pair = freshPair(sshd);
    const proof = join(freshFolder('proof'), 'proof');
    const config = join(pair.local, 'ssh_config');
    writeFileSync(
      config,
      `Match exec "touch ${proof}"\n  HostName 127.0.0.1\nHost *\n  ProxyCommand touch ${proof}\n`,
    );
    const settings = {
      local: '..',
      remote: 'box:/x',
      sshConfig: './ssh_config',
      afterSync: { command: `touch ${proof}` },
    };
    writeFileSync(join(pair.local, 'towline.json'), JSON.stringify(settings));
    const env = { XDG_CONFIG_HOME: freshFolder('config'), XDG_STATE_HOME: pair.stateDir };
    const { code, stderr } = await towline([command], { cwd: pair.local, env });
    expect(code).toBe(2);
    expect(stderr).toContain(`afterSync runs 'touch ${proof}' here`);
    expect(stderr).toContain(`sshConfig ${config} may run commands here`);
    expect(stderr).toMatch(/local is \S+, outside of this folder/);
    expect(stderr).toContain('--trust');
    expect(existsSync(proof)).toBe(false);
    expect(existsSync(pair.stateDir)).toBe(false);
  },
);

test('--trust once is enough, until it asks for something else', async () => {
  const pair = freshPair(sshd);
  const file = join(pair.local, 'towline.json');
  const write = (command: string) =>
    writeFileSync(file, JSON.stringify({ local: '.', remote: pair.target, afterSync: { command } }));
  const options = { cwd: pair.local, env: { XDG_CONFIG_HOME: freshFolder('config') } };
  const run = async (...more: string[]) => (await towline(['push', ...pair.flags, ...more], options)).code;
  write('true');
  writeFileSync(join(pair.local, 'a'), 'a');
  expect(await run()).toBe(2);
  expect(readdirSync(pair.remote)).toEqual([]);
  expect(await run('--trust')).toBe(0);
  expect(readdirSync(pair.remote)).toEqual(['a']);
  expect(await run()).toBe(0);
  write('true; true');
  expect(await run()).toBe(2);
});

test('where agreement cannot be kept, it counts for this run, and that is said', async () => {
  const pair = freshPair(sshd);
  const settings = { local: '.', remote: pair.target, afterSync: { command: 'true' } };
  writeFileSync(join(pair.local, 'towline.json'), JSON.stringify(settings));
  const blocked = join(freshFolder('config'), 'file');
  writeFileSync(blocked, '');
  const options = { cwd: pair.local, env: { XDG_CONFIG_HOME: blocked } };
  const { code, stderr } = await towline(['push', ...pair.flags, '--trust'], options);
  expect({ code, stderr }).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('could not be remembered'),
  });
});

test('a profile of the user’s own needs no agreement', async () => {
  const pair = freshPair(sshd);
  const config = freshFolder('config');
  writeFileSync(join(pair.local, 'a'), 'a');
  mkdirSync(join(config, 'towline'));
  const web = {
    local: pair.local,
    remote: pair.target,
    sshConfig: sshd.sshConfigFile,
    stateDir: pair.stateDir,
  };
  writeFileSync(join(config, 'towline', 'config.json'), JSON.stringify({ profiles: { web } }));
  const options = { cwd: freshFolder(), env: { XDG_CONFIG_HOME: config } };
  expect(await towline(['push', '--profile', 'web'], options)).toMatchObject({ code: 0, stderr: '' });
});
