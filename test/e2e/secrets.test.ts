/**
 * Nothing secret in what a run prints or leaves: secrets are planted wherever one may come from, everything is run at its
 * most talkative, and all that came of it is searched. A new way for a secret to come in is a new row of the table.
 */
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { makeKey } from '../support/ssh-keys.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { freshPair, type RunOptions, type TestPair, towline, watch } from '../support/towline.js';
import { openToOthers, pathsBelow, Traces } from '../support/traces.js';

let sshd: TestSshd;
/** The help of `push`: rows whose flag is not there yet are left out. */
let help = '';

beforeAll(async () => {
  sshd = await startSshd();
  help = (await towline(['push', '--help'])).stdout;
});
afterAll(() => sshd.stop());

interface Planted {
  readonly name: string;
  readonly secrets: readonly string[];
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

let counted = 0;
/** Distinct, and nothing that could be there by chance; the blank and the quote are escaped in some places. */
const fresh = (kind: string) => `planted-${kind}-${String(++counted)}-7Qx "z`;

function secretFile(secret: string): string {
  const file = join(freshFolder('secret'), 'file');
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  return file;
}

function inEnvironment(variable: string): Planted {
  const secret = fresh('environment');
  return { name: variable, secrets: [secret], flags: [], env: { [variable]: secret } };
}

function inFile(flag: string): Planted {
  const secret = fresh('file');
  return { name: flag, secrets: [secret], flags: [flag, secretFile(secret)], env: {} };
}

function byCommand(flag: string): Planted {
  const secret = fresh('command');
  return { name: flag, secrets: [secret], flags: [flag, `cat ${secretFile(secret)}`], env: {} };
}

/** Of systemd's LoadCredential. */
function inCredential(credential: string): Planted {
  const secret = fresh('credential');
  const folder = freshFolder('credentials');
  writeFileSync(join(folder, credential), secret, { mode: 0o400 });
  return { name: credential, secrets: [secret], flags: [], env: { CREDENTIALS_DIRECTORY: folder } };
}

/** The lines of a key file are secrets, each by itself; the first one names the kind only. */
function keyLines(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.length > 40 && !line.startsWith('-----'))
    .slice(2);
}

function inKey(name: string, passphrase: string): Planted {
  const file = makeKey({ type: 'rsa', passphrase });
  const secrets = [...keyLines(file), ...(passphrase === '' ? [] : [passphrase])];
  return { name, secrets, flags: ['-i', file], env: {} };
}

const table: readonly (() => Planted)[] = [
  () => inKey('a key', ''),
  () => inKey('an encrypted key', fresh('passphrase')),
  () => inEnvironment('TOWLINE_PASSWORD'),
  () => inEnvironment('TOWLINE_PASSPHRASE'),
  // What a hook may need; it is passed on, and shown nowhere.
  () => inEnvironment('DEPLOY_AUTHORIZATION'),
  () => inFile('--password-file'),
  () => inFile('--passphrase-file'),
  () => byCommand('--password-command'),
  () => inCredential('towline-password'),
  () => inCredential('towline-passphrase'),
];

/** Everything that can be planted in one run; `without` are flags that exclude others. */
function plantAll(without: readonly string[]): {
  secrets: string[];
  flags: string[];
  env: Record<string, string>;
} {
  const planted = table
    .map((make) => make())
    .filter(({ name }) => !without.includes(name))
    .filter(
      ({ flags: [flag] }) => flag === undefined || help.includes(`${flag} `) || help.includes(`${flag},`),
    );
  const credentials = planted.flatMap(({ env }) => env.CREDENTIALS_DIRECTORY ?? []);
  const together = freshFolder('credentials');
  for (const folder of credentials) {
    for (const name of readdirSync(folder))
      writeFileSync(join(together, name), readFileSync(join(folder, name)));
  }
  return {
    // The server's own key is in use as well.
    secrets: [...planted.flatMap(({ secrets }) => secrets), ...keyLines(sshd.keyFile)],
    flags: planted.flatMap(({ flags }) => flags),
    env: Object.assign({}, ...planted.map(({ env }) => env), { CREDENTIALS_DIRECTORY: together }) as Record<
      string,
      string
    >,
  };
}

interface World {
  readonly pair: TestPair;
  readonly traces: Traces;
  readonly secrets: readonly string[];
  readonly flags: readonly string[];
  readonly options: RunOptions;
  readonly reports: string;
  readonly home: string;
  readonly run: (...args: string[]) => Promise<number | null>;
}

/** A command that throws where nobody catches it, when its window changes. */
const crash = "process.on('SIGWINCH', () => { throw new Error('planted crash'); });\n";

/** Runs everything with the laxest umask there is, as a user whose home is empty. */
function world(...without: string[]): World {
  const pair = freshPair(sshd);
  const traces = new Traces();
  const home = freshFolder('home');
  const reports = freshFolder('reports');
  const crashFile = join(freshFolder('crash'), 'crash.mjs');
  writeFileSync(crashFile, crash);
  const { secrets, flags, env } = plantAll(without);
  const node = [
    ...['--report-on-signal', '--report-signal=SIGUSR2', '--report-uncaught-exception'],
    ...[`--report-directory=${reports}`, `--import=${crashFile}`],
  ];
  const options: RunOptions = {
    wrap: ['sh', '-c', 'umask 0; exec "$0" "$@"'],
    env: {
      ...env,
      HOME: home,
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_STATE_HOME: join(home, 'state'),
      SSH_AUTH_SOCK: undefined,
      NODE_OPTIONS: node.join(' '),
    },
  };
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await towline(args, options);
    traces.add(`stdout of ${args.join(' ')}`, stdout);
    traces.add(`stderr of ${args.join(' ')}`, stderr);
    return code;
  };
  return { pair, traces, secrets, flags, options, reports, home, run };
}

function leftBy({ traces, pair, reports, home }: World): void {
  for (const folder of [pair.stateDir, reports, home, pair.local, pair.remote])
    traces.addFolder('left in', folder);
}

function expectNoSecret({ traces, secrets }: World): void {
  expect(secrets.length).toBeGreaterThan(20);
  for (const secret of secrets) expect(traces.holding(secret), secret).toEqual([]);
}

test('the search finds what is there', () => {
  const traces = new Traces();
  const folder = freshFolder();
  const secret = 'a "secret" of ours';
  writeFileSync(join(folder, 'hex'), `..${Buffer.from(secret).toString('hex')}..`);
  traces.addFolder('left in', folder);
  traces.add('json', JSON.stringify({ it: secret }));
  traces.add('base64', Buffer.from(`${secret}, and more`).toString('base64'));
  traces.add('url', `sftp://u:${encodeURIComponent(secret)}@box`);
  traces.add('clean', 'a secret of theirs');
  expect(traces.holding(secret)).toEqual([expect.stringContaining('hex'), 'json', 'base64', 'url']);
});

test('push, doctor and failed logins at their most talkative', async () => {
  const all = world('--password-command');
  const { pair, traces, flags, run } = all;
  writeFileSync(join(pair.local, 'marker'), 'm');
  const hook = ['--after-sync', 'test -n "$DEPLOY_AUTHORIZATION" && echo hook-ran'];
  const both = [pair.local, pair.target, ...pair.flags, ...flags];
  expect(await run('push', ...both, ...hook, '-vvv')).toBe(0);
  expect(traces.holding('hook-ran')).not.toEqual([]);
  expect(await run('push', ...both, '--force', '--json', '-vvv')).toBe(0);
  expect(await run('push', ...both, '-n', '-vvv')).toBe(0);
  expect(await run('doctor', ...both, '-vvv')).toBe(0);
  expect(await run('doctor', ...both, '--json', '-vvv')).toBe(0);
  expect(await run('status', pair.local, pair.target, ...pair.flags, '--json')).toBe(0);
  expect(await run('service', '--print', ...both)).toBe(0);

  // Nobody is let in: everything there is is tried, and named.
  const config = join(freshFolder('config'), 'config');
  writeFileSync(config, readFileSync(sshd.sshConfigFile, 'utf8').replaceAll(sshd.keyFile, '/no/such/key'));
  const stranger = [pair.local, `nobody-such@box:${pair.remote}`, '-F', config, '--state-dir', pair.stateDir];
  expect(await run('push', ...stranger, ...flags, '-vvv')).toBe(3);
  expect(await run('push', ...stranger, ...flags, '--json', '-vvv')).toBe(3);
  expect(await run('doctor', ...stranger, ...flags, '-vvv')).toBe(3);
  leftBy(all);
  expect(traces.holding('marker')).not.toEqual([]);
  expectNoSecret(all);
  expect(openToOthers(pair.stateDir)).toEqual([]);
});

test('secrets where none may be: an address, a configuration', async () => {
  const all = world();
  const { pair, traces, run } = all;
  const secrets = ['planted-in-url-9fK', 'planted-in-config-2hB'];
  expect(await run('push', pair.local, `sftp://dev:${secrets[0]!}@127.0.0.1/x`, '-vvv')).toBe(2);
  expect(await run('doctor', `sftp://dev:${secrets[0]!}@127.0.0.1/x`, '--json')).toBe(2);
  const folder = freshFolder('project');
  const settings = { local: '.', remote: pair.target, password: secrets[1], token: { deep: secrets[1] } };
  writeFileSync(join(folder, 'towline.json'), JSON.stringify(settings));
  const refused = await towline(['push', '-vvv'], { ...all.options, cwd: folder });
  expect(refused.code).toBe(2);
  traces.add('refused', refused.stdout + refused.stderr);
  leftBy(all);
  // The command lines themselves are in the names of the traces, not in what is searched.
  for (const secret of secrets) expect(traces.holding(secret), secret).toEqual([]);
});

test('an agent: its log, its socket, its state while it runs, a diagnostic report, a crash', async () => {
  const all = world('--password-file');
  const { pair, traces, flags, options, reports } = all;
  writeFileSync(join(pair.local, 'marker'), 'm');
  const agent = watch(pair, [...flags, '-vvv'], options);
  onTestFinished(async () => {
    await agent.stop('SIGKILL');
  });
  await agent.ready();
  await eventually(() => expect(readdirSync(pair.remote)).toEqual(['marker']));
  const [folder] = readdirSync(pair.stateDir).map((name) => join(pair.stateDir, name));
  expect(readdirSync(folder!)).toContain('control.sock');
  expect(openToOthers(pair.stateDir)).toEqual([]);
  for (const [method, path] of [
    ['GET', '/status'],
    ['POST', '/rescan'],
    ['POST', '/nonsense'],
    ['POST', '/limit'],
  ] as const) {
    traces.add(`${method} ${path}`, await asked(join(folder!, 'control.sock'), method, path));
  }
  traces.addFolder('while it runs', pair.stateDir);

  agent.process.kill('SIGUSR2');
  await eventually(() => expect(reportsIn(reports)).toHaveLength(1));
  agent.process.kill('SIGWINCH');
  expect(await agent.ended).not.toBe(0);
  expect(reportsIn(reports)).toHaveLength(2);
  traces.add('the log', JSON.stringify(agent.lines));
  leftBy(all);
  expect(traces.holding('planted crash')).not.toEqual([]);
  expectNoSecret(all);
});

test('what is written for the user is for the user only, whatever the umask', async () => {
  const all = world();
  const { pair, home, run } = all;
  const known = join(home, 'ssh', 'known_hosts');
  const config = join(freshFolder('config'), 'config');
  writeFileSync(config, readFileSync(sshd.sshConfigFile, 'utf8').replaceAll(sshd.knownHostsFile, known));
  mkdirSync(join(pair.local, 'sub'));
  writeFileSync(
    join(pair.local, 'sub', 'towline.json'),
    JSON.stringify({ local: '..', remote: pair.target }),
  );
  const usual = ['-F', config];
  expect(await run('push', pair.local, pair.target, ...usual, '--accept-new')).toBe(0);
  const trusting = await towline(['push', '--trust', ...usual], {
    ...all.options,
    cwd: join(pair.local, 'sub'),
  });
  expect(trusting.code).toBe(0);
  const written = pathsBelow(home).map((path) => path.slice(home.length));
  expect(written).toEqual(expect.arrayContaining(['/ssh/known_hosts', '/config/towline/trusted']));
  expect(written.some((path) => /^\/state\/towline\/.*\/state\.sqlite$/.test(path))).toBe(true);
  // Folders of XDG itself are made for the owner only, too.
  chmodSync(home, 0o700);
  expect(openToOthers(home)).toEqual([]);
});

test('a hook is not given what is for us alone', async () => {
  const pair = freshPair(sshd);
  const told = join(freshFolder('told'), 'environment');
  writeFileSync(join(pair.local, 'a'), 'a');
  const env = {
    TOWLINE_PASSWORD: 'one',
    TOWLINE_PASSPHRASE: 'two',
    CREDENTIALS_DIRECTORY: freshFolder('credentials'),
    WATCHDOG_USEC: '60000000',
    MINE: 'kept',
  };
  const args = ['push', pair.local, pair.target, ...pair.flags, '--after-sync', `env > ${told}`];
  expect((await towline(args, { env })).code).toBe(0);
  const names = readFileSync(told, 'utf8')
    .split('\n')
    .map((line) => line.replace(/=.*$/, ''));
  expect(names).toContain('MINE');
  for (const name of Object.keys(env)) if (name !== 'MINE') expect(names, name).not.toContain(name);
});

test('no secret can be given on the command line, where all can read it', () => {
  for (const flag of ['--password', '--passphrase', '--token', '--secret']) {
    expect(help, flag).not.toMatch(new RegExp(`${flag}[ ,=<]`));
  }
});

function reportsIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith('report.'));
}

function asked(socketPath: string, method: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path, agent: false }, (response) => {
      let text = JSON.stringify(response.headers);
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve(text));
    });
    call.on('error', reject);
    call.end();
  });
}
