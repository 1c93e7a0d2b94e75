import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Check, diagnose, type DiagnoseHooks, type Diagnosis } from '../src/index.js';
import type { Faults, SeenRequest } from '../src/ssh/server/faults.js';
import { type SftpServer, type SftpServerOptions, startSftpServer } from '../src/ssh/server/server.js';
import { TowlineError } from '../src/core/errors.js';
import { freshFolder } from './support/folder.js';
import { makeKey } from './support/ssh-keys.js';

interface Patient {
  readonly server: SftpServer;
  readonly remote: string;
  readonly knownHosts: string;
  readonly diagnose: (hooks?: DiagnoseHooks, path?: string) => Promise<Diagnosis>;
}

/** A server of this process, with a folder `data`, and an ssh_config that leads there as `box`. */
async function patient(
  options: Partial<SftpServerOptions> = {},
  faults: Faults = {},
  stranger = false,
): Promise<Patient> {
  const root = freshFolder('served');
  const remote = join(root, 'data');
  mkdirSync(remote);
  const server = await startSftpServer({ root, faults, ...options });
  onTestFinished(() => server.stop());
  const folder = freshFolder('client');
  const [key, knownHosts, config] = ['key', 'known_hosts', 'config'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(key, stranger ? readFileSync(makeKey()) : server.clientKey, { mode: 0o600 });
  writeFileSync(knownHosts, `# ours\n${server.knownHostsLine}\n`);
  const lines = [
    ...['Host box', `HostName ${server.host}`, `Port ${String(server.port)}`, 'User dev'],
    ...[`IdentityFile ${key}`, 'IdentitiesOnly yes', `UserKnownHostsFile ${knownHosts}`],
    ...['GlobalKnownHostsFile none', 'StrictHostKeyChecking yes'],
  ];
  writeFileSync(config, lines.join('\n'));
  return {
    server,
    remote,
    knownHosts,
    diagnose: (hooks = {}, path = '/data') =>
      diagnose({ remote: `box:${path}`, sshConfig: config }, { env: { PATH: process.env.PATH }, ...hooks }),
  };
}

function check({ checks }: Diagnosis, name: string): Check | undefined {
  return checks.find((one) => one.name === name);
}

const isProbe = ({ kind, path }: SeenRequest) => kind === 'OPEN' && path.includes('.towline-doctor-');

test('a server without fault: nothing but what it is, told one by one, and nothing is left', async () => {
  const { diagnose: look, remote, knownHosts } = await patient();
  const told: Check[] = [];
  const diagnosis = await look({ onCheck: (one) => told.push(one) });
  expect(diagnosis.failure).toBeNull();
  expect(diagnosis.checks).toEqual(told);
  expect(check(diagnosis, 'host-key')).toMatchObject({ state: 'ok' });
  expect(check(diagnosis, 'host-key')?.text).toMatch(/ED25519 key SHA256:\S+, known by .*known_hosts:2$/);
  expect(check(diagnosis, 'host-key')?.text).toContain(knownHosts);
  expect(check(diagnosis, 'authentication')?.text).toMatch(/let in as dev by publickey, ED25519 key SHA256:/);
  // It serves SFTP and nothing else.
  expect(check(diagnosis, 'exec')).toMatchObject({ state: 'warn' });
  expect(check(diagnosis, 'remote-abilities')?.text).toContain(
    'posix-rename, fsync, modes, times, link times',
  );
  expect(check(diagnosis, 'clock')).toMatchObject({ state: 'ok' });
  expect(readdirSync(remote)).toEqual([]);
});

test('extensions that are not there are warnings with their consequence', async () => {
  const { diagnose: look } = await patient({ extensions: [] });
  const diagnosis = await look();
  expect(diagnosis.failure).toBeNull();
  for (const name of ['posix-rename', 'fsync', 'statvfs', 'limits', 'copy-data', 'lsetstat']) {
    expect(check(diagnosis, name), name).toMatchObject({ state: 'warn', fix: expect.any(String) as string });
  }
  expect(check(diagnosis, 'free-space')).toMatchObject({ state: 'skip' });
});

test('what is offered and does not work is found by trying', async () => {
  const { diagnose: look, remote } = await patient({}, { noSetstat: true });
  const diagnosis = await look();
  expect(check(diagnosis, 'remote-refused')?.text).toMatch(/modes, times, link times/);
  expect(diagnosis.failure).toBeNull();
  expect(readdirSync(remote)).toEqual([]);
});

test('a folder that cannot be written: a failure, not a crash', async () => {
  const { diagnose: look } = await patient({}, { readOnly: true });
  const diagnosis = await look();
  expect(diagnosis.failure).toBe('permission');
  expect(check(diagnosis, 'remote-write')).toMatchObject({
    state: 'fail',
    fix: expect.any(String) as string,
  });
});

test('a full disk: said as such', async () => {
  const { diagnose: look, remote } = await patient(
    {},
    { freeBytes: 0, refuse: ({ kind }) => (kind === 'WRITE' ? 4 : undefined) },
  );
  const diagnosis = await look();
  expect(diagnosis.failure).toBe('no-space');
  expect(check(diagnosis, 'free-space')).toMatchObject({ state: 'warn' });
  expect(readdirSync(remote)).toEqual([]);
});

test('interrupted while a temp lies there: it is removed, then it ends', async () => {
  const stop = new AbortController();
  const seen: string[] = [];
  const { diagnose: look, remote } = await patient(
    {},
    {
      delay: (request) => {
        if (isProbe(request)) {
          seen.push(request.path);
          stop.abort(new TowlineError('interrupted', 'enough'));
        }
        return undefined;
      },
    },
  );
  await expect(look({ signal: stop.signal })).rejects.toMatchObject({ code: 'interrupted' });
  expect(seen.length).toBeGreaterThan(0);
  expect(readdirSync(remote)).toEqual([]);
});

test.each(['before', 'after'] as const)(
  'the connection is lost %s a temp is made: it is removed over a new one, and the loss is told',
  async (when) => {
    let dropped = 0;
    const { diagnose: look, remote } = await patient(
      {},
      { dropConnection: (request) => (isProbe(request) && dropped++ === 0 ? when : undefined) },
    );
    const diagnosis = await look();
    expect(dropped).toBe(1);
    expect(diagnosis.failure).toBe('network');
    expect(readdirSync(remote)).toEqual([]);
  },
);

test('a missing folder: fine where the first sync makes it, else a failure', async () => {
  const { diagnose: look, remote } = await patient();
  const fresh = await look({}, '/data/new');
  expect(fresh.failure).toBeNull();
  expect(check(fresh, 'remote-folder')?.text).toContain('the first sync makes it');
  const lost = await look({}, '/data/new/er');
  expect(lost.failure).toBe('not-found');
  expect(check(lost, 'remote-folder')?.fix).toContain('--mkpath');
  writeFileSync(join(remote, 'file'), '');
  expect((await look({}, '/data/file')).failure).toBe('configuration');
  expect(readdirSync(remote)).toEqual(['file']);
});

test('a clock that is wrong', async () => {
  // The only clock here is the machine's: what the server tells of its files is moved instead, before it is asked.
  const { diagnose: look, remote, server } = await patient();
  server.setFaults({
    delay: ({ kind, path }) => {
      if (kind !== 'FSTAT' || !path.includes('.towline-doctor-')) return undefined;
      const past = Date.now() / 1000 - 7200;
      utimesSync(join(remote, path.replace(/^\/data\//, '')), past, past);
      return undefined;
    },
  });
  expect(check(await look(), 'clock')).toMatchObject({
    state: 'warn',
    text: expect.stringMatching(/clock is 120 min behind ours|clock is 2 h behind ours/) as string,
  });
});

test.each([
  ['https://dav.invalid/files', 'a WebDAV server'],
  ['/no/such/folder', 'a folder of this machine'],
])('%s is no SSH server: that is said, and nobody is asked', async (remote, what) => {
  const diagnosis = await diagnose({ remote });
  expect(diagnosis.failure).toBeNull();
  expect(check(diagnosis, 'target')).toMatchObject({ state: 'skip' });
  expect(check(diagnosis, 'target')?.text).toContain(what);
});

test.each([{ signal: 5 }, { singal: AbortSignal.abort() }, null])(
  '%j beside the options is refused',
  async (wrong) => {
    const looking = diagnose({ remote: '/no/such/folder' }, wrong as unknown as DiagnoseHooks);
    await expect(looking).rejects.toMatchObject({ code: 'configuration' });
  },
);

test('a password lets us in, and is not shown', async () => {
  const { diagnose: look } = await patient({ authorize: { password: 'open sesame' } }, {}, true);
  const diagnosis = await look({ env: { PATH: process.env.PATH, TOWLINE_PASSWORD: 'open sesame' } });
  expect(diagnosis.failure).toBeNull();
  expect(check(diagnosis, 'authentication')?.text).toMatch(
    /let in as dev by (?:password|keyboard-interactive)/,
  );
  expect(JSON.stringify(diagnosis)).not.toContain('sesame');
});
