/** OpenSSH as administrators lock it down: SFTP and nothing else, in a chroot, with a umask of its own. */
import { chmodSync, lstatSync, mkdirSync, symlinkSync, writeFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type AgentEvent, type PairOptions, plan as planPush, sync as push } from '../../src/index.js';
import { treeOf } from '../support/embedded-pair.js';
import { freshFolder } from '../support/folder.js';
import { canChroot, type SshdOptions, startSshd } from '../support/sshd.js';

interface LockedPair {
  readonly local: string;
  readonly remote: string;
  readonly options: PairOptions;
}

async function pairOn(sshdOptions: SshdOptions, options: Partial<PairOptions> = {}): Promise<LockedPair> {
  const sshd = await startSshd(sshdOptions);
  onTestFinished(() => sshd.stop());
  const folder = freshFolder('pair');
  const [local, stateDir] = [join(folder, 'local'), join(folder, 'state')];
  // In a chroot the session sees another path than this machine.
  const remote = join(sshd.chrootFolder ?? folder, 'data/site');
  mkdirSync(join(local, 'dir/inner'), { recursive: true });
  mkdirSync(join(remote, '..'), { recursive: true });
  for (const [path, mode] of Object.entries(files)) {
    writeFileSync(join(local, path), path);
    chmodSync(join(local, path), mode);
  }
  for (const [path, mode] of Object.entries(directories)) chmodSync(join(local, path), mode);
  symlinkSync('dir/inner', join(local, 'link'));
  const seen = sshd.chrootFolder === null ? remote : '/data/site';
  return {
    local,
    remote,
    options: { local, remote: `box:${seen}`, sshConfig: sshd.sshConfigFile, stateDir, ...options },
  };
}

const files = { 'dir/inner/file': 0o664, 'dir/script': 0o755, 'own only': 0o600, group: 0o660 };
const directories = { dir: 0o775, 'dir/inner': 0o2770 };

function modesOf(folder: string): Record<string, string> {
  const paths = [...Object.keys(files), ...Object.keys(directories)];
  return Object.fromEntries(
    paths.map((path) => [path, (lstatSync(join(folder, path)).mode & 0o7777).toString(8)]),
  );
}

async function expectQuiet({ options }: LockedPair): Promise<void> {
  const plan: string[] = [];
  const onEvent = (event: AgentEvent) => {
    if (event.type === 'planned') plan.push(`${event.action.action} ${event.action.path}`);
  };
  await planPush(options, { onEvent });
  expect(plan).toEqual([]);
  expect(await push(options)).toMatchObject({ transferred: 0, failed: 0, bytesSent: 0 });
}

const servers: [string, SshdOptions][] = [
  ['SFTP only', { forceInternalSftp: true }],
  ['SFTP only, with a umask', { forceInternalSftp: true, sftpArguments: '-u 077' }],
  [
    'SFTP only, without posix-rename and fsync',
    { forceInternalSftp: true, sftpArguments: '-P posix-rename,fsync,lsetstat,statvfs' },
  ],
];

async function expectSynced(pair: LockedPair): Promise<void> {
  expect(await push(pair.options)).toMatchObject({ failed: 0, problems: [] });
  expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
  expect(modesOf(pair.remote)).toEqual(modesOf(pair.local));
  await expectQuiet(pair);
  rmSync(join(pair.local, 'own only'));
  writeFileSync(join(pair.local, 'group'), 'another content');
  chmodSync(join(pair.local, 'dir/script'), 0o711);
  expect(await push(pair.options)).toMatchObject({ transferred: 1, deleted: 1, failed: 0 });
  expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
  expect(lstatSync(join(pair.remote, 'dir/script')).mode & 0o7777).toBe(0o711);
  await expectQuiet(pair);
}

describe('a push to a server that is locked down', () => {
  test.each(servers)('%s', async (_, sshdOptions) => {
    await expectSynced(await pairOn(sshdOptions, { delete: true }));
  });

  // Only root may change the root of a session.
  test.skipIf(!canChroot())('in a chroot', async () => {
    await expectSynced(await pairOn({ chroot: true }, { delete: true }));
  });

  test.skipIf(!canChroot())('in a chroot whose own root cannot be written to by its users', async () => {
    const pair = await pairOn({ chroot: true });
    const options = { ...pair.options, remote: 'box:/nothing/here' };
    await expect(push(options)).rejects.toMatchObject({ code: 'configuration' });
    await expectSynced(await pairOn({ chroot: true }, { delete: true, mkpath: true }));
  });

  test('with a umask, --chmod has the last word', async () => {
    const pair = await pairOn({ forceInternalSftp: true, sftpArguments: '-u 027' }, { chmod: 'D2775,F664' });
    await push(pair.options);
    expect(new Set(Object.keys(files).map((path) => modesOf(pair.remote)[path]))).toEqual(new Set(['664']));
    expect(modesOf(pair.remote)).toMatchObject({ dir: '2775', 'dir/inner': '2775' });
    await expectQuiet(pair);
  });

  test('a command on the server fails with what the server says, and the push has been done', async () => {
    const pair = await pairOn(
      { forceInternalSftp: true },
      { afterSync: [{ command: 'true', where: 'remote' }] },
    );
    const told: string[] = [];
    const done = await push(pair.options, {
      onEvent: (event) => {
        if (event.type === 'notice') told.push(`${event.code}: ${event.message}`);
      },
    });
    expect(done).toMatchObject({ transferred: 5 });
    expect(told.join('\n')).toMatch(/^hook-failed: .*sftp connections only/);
  });
});
