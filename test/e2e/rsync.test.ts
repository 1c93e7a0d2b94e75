/** `--transport rsync`: the built command, a real sshd, and the rsync of this machine on both ends. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually } from '../support/eventually.js';
import { fillVolume, mountVolume, server, temps } from '../support/faults.js';
import { freshFolder } from '../support/folder.js';
import { proxiedPair } from '../support/proxied-pair.js';
import { type SshdOptions, startSshd, type TestSshd } from '../support/sshd.js';
import { freshPair, push, run, type RunOptions, type TestPair, towline } from '../support/towline.js';
import { rsyncDifferences, treeOf } from '../support/tree.js';

const byRsync = ['--transport', 'rsync'];
const mib = 2 ** 20;
let sshd: TestSshd;

beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd.stop());

const names = [
  'plain',
  'with space',
  'new\nline',
  'quo\'te"s',
  '-rf',
  '--delete',
  '#hash',
  ';semi',
  '*?[g]',
  'ünï',
  '😀',
  'back\\#012',
  'trail ',
  ' lead',
  '.hidden',
  '$HOME',
  'x'.repeat(255),
];

/** Names, kinds, modes and times that trip naive tools. */
function growOddTree(root: string): void {
  for (const folder of ['', 'dir with space/deeper', '-dash', 'quo\'te"']) {
    mkdirSync(join(root, folder), { recursive: true });
    for (const [index, name] of names.entries()) {
      const file = join(root, folder, name);
      writeFileSync(file, `${folder}/${name}\n`.repeat(index * 5));
      chmodSync(file, [0o644, 0o600, 0o755, 0o444, 0o640][index % 5]!);
      utimesSync(file, 1_000_000_000, 1_000_000_000 + index + 0.5);
    }
    symlinkSync('plain', join(root, folder, 'link'));
    symlinkSync('/nowhere/at all', join(root, folder, 'dangling'));
    mkdirSync(join(root, folder, 'empty'), { mode: 0o500 });
  }
  mkdirSync(join(root, 'read-only'));
  writeFileSync(join(root, 'read-only', 'inside'), 'x');
  chmodSync(join(root, 'read-only'), 0o555);
}
const filesGrown = names.length * 4 + 1;

test('a push of odd names, and then nothing is left to do, for rsync and for SFTP', async () => {
  const pair = freshPair(sshd);
  growOddTree(pair.local);
  chmodSync(pair.remote, 0o750);
  const first = await push(pair, byRsync);
  expect(first).toMatchObject({ code: 0, failed: 0, problems: [], holds: [], transferred: filesGrown + 8 });
  expect(first.bytesSent).toBeGreaterThan(0);
  // The root is the server's own.
  expect(rsyncDifferences(pair.local, pair.remote)).toEqual(['.d...p..... ./']);
  expect(treeOf(pair.remote, { directoryTimes: true })).toEqual(treeOf(pair.local, { directoryTimes: true }));
  expect(temps(pair)).toEqual([]);
  expect(statSync(pair.remote).mode & 0o777).toBe(0o750);
  for (const flags of [byRsync, []]) {
    expect(await push(pair, flags)).toMatchObject({
      code: 0,
      transferred: 0,
      metadata: 0,
      directories: 0,
      bytesSent: 0,
    });
  }
});

test('a pull of odd names, and then nothing is left to do', async () => {
  const pair = freshPair(sshd);
  growOddTree(pair.remote);
  const first = await run('pull', pair, byRsync);
  expect(first).toMatchObject({
    code: 0,
    failed: 0,
    problems: [],
    transferred: filesGrown + 8,
    bytesSent: 0,
  });
  expect(first.bytesReceived).toBeGreaterThan(0);
  expect(rsyncDifferences(pair.remote, pair.local)).toEqual([]);
  expect(readdirSync(pair.local).filter((name) => name.startsWith('.towline'))).toEqual([]);
  expect(await run('pull', pair, byRsync)).toMatchObject({
    code: 0,
    transferred: 0,
    metadata: 0,
    bytesReceived: 0,
  });
});

test('an edit of the same size and time is found: contents are compared', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'a'), 'one');
  await push(pair, byRsync);
  const { mtime, atime } = statSync(join(pair.local, 'a'));
  writeFileSync(join(pair.remote, 'a'), 'two');
  utimesSync(join(pair.remote, 'a'), atime, mtime);
  expect(await push(pair, ['-n'])).toMatchObject({ code: 0 });
  expect(await push(pair, byRsync)).toMatchObject({ code: 0, transferred: 1, bytesSent: 3 });
  expect(readFileSync(join(pair.remote, 'a'), 'utf8')).toBe('one');
});

test('the rules of the folder and the flags count as they do for SFTP', async () => {
  const grow = (root: string) => {
    mkdirSync(join(root, 'logs/deep'), { recursive: true });
    mkdirSync(join(root, 'kept'), { recursive: true });
    for (const name of [
      'a.log',
      'a.txt',
      'a.tmp',
      'logs/x',
      'logs/deep/y',
      'kept/b.log',
      'kept/c.txt',
      'ignored',
      'a.swp',
    ])
      writeFileSync(join(root, name), name);
    writeFileSync(join(root, '.towlineignore'), '*.tmp\n/logs/*\n!/logs/deep\n');
    writeFileSync(join(root, 'kept/.towlineignore'), '!b.log\nc.txt\n');
    writeFileSync(join(root, '.gitignore'), 'ignored\n');
  };
  const flags = ['--gitignore', '--exclude', '*.log', '--include', 'kept/b.log'];
  const [one, two] = [freshPair(sshd), freshPair(sshd)];
  for (const pair of [one, two]) {
    grow(pair.local);
    writeFileSync(join(pair.remote, 'a.log'), 'not ours');
  }
  expect(await push(one, flags)).toMatchObject({ code: 0 });
  expect(await push(two, [...flags, ...byRsync])).toMatchObject({ code: 0 });
  const pathsOf = (pair: TestPair) => readdirSync(pair.remote, { recursive: true }).sort();
  expect(pathsOf(two)).toEqual(pathsOf(one));
  expect(pathsOf(two)).toContain('kept/b.log');
  expect(pathsOf(two)).not.toContain('a.tmp');
  expect(readFileSync(join(two.remote, 'a.log'), 'utf8')).toBe('not ours');
});

test('deletions are ours: not without --delete, under the guard, and never of what is excluded', async () => {
  const pair = freshPair(sshd);
  for (let index = 0; index < 60; index++) writeFileSync(join(pair.local, `f${String(index)}`), 'x');
  const filter = ['--exclude', '*.log'];
  await push(pair, [...byRsync, ...filter]);
  writeFileSync(join(pair.remote, 'theirs.log'), 'x');
  for (let index = 0; index < 50; index++) rmSync(join(pair.local, `f${String(index)}`));
  writeFileSync(join(pair.local, 'new'), 'new');
  const flags = [...byRsync, ...filter];
  expect(await push(pair, flags)).toMatchObject({ code: 0, transferred: 1, deleted: 0, kept: 50 });
  const held = await push(pair, [...flags, '--delete', '--max-delete', '20']);
  expect(held).toMatchObject({ code: 5, deleted: 0 });
  expect(existsSync(join(pair.remote, 'f0'))).toBe(true);
  const done = await push(pair, [...flags, '--delete', '--max-delete', '100']);
  expect(done).toMatchObject({ code: 0, deleted: 50 });
  expect(readdirSync(pair.remote).sort()).toEqual([...readdirSync(pair.local), 'theirs.log'].sort());
});

test('--dry-run tells what would be done, by contents, and changes nothing', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'a'), 'one');
  writeFileSync(join(pair.remote, 'a'), 'two');
  const { mtime, atime } = statSync(join(pair.local, 'a'));
  utimesSync(join(pair.remote, 'a'), atime, mtime);
  const { stdout } = await towline([
    'push',
    '-n',
    '--json',
    ...byRsync,
    pair.local,
    pair.target,
    ...pair.flags,
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ actions: [{ action: 'upload', path: 'a' }] });
  expect(readFileSync(join(pair.remote, 'a'), 'utf8')).toBe('two');
});

test('a link in place of a folder leads nobody out', async () => {
  for (const way of ['push', 'pull'] as const) {
    const pair = freshPair(sshd);
    const outside = freshFolder('outside');
    const [from, to] = way === 'push' ? [pair.local, pair.remote] : [pair.remote, pair.local];
    mkdirSync(join(from, 'dir'));
    writeFileSync(join(from, 'dir/x'), 'x');
    symlinkSync(outside, join(to, 'dir'));
    await run(way, pair, byRsync);
    expect(readdirSync(outside)).toEqual([]);
    expect(treeOf(to)).toEqual(treeOf(from));
  }
});

test('a limit, other modes, a key and a folder to be made', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'a'), randomBytes(100_000));
  const flags = ['--bwlimit', '100000', '--chmod', 'D750,F640', '--fsync', '--mkpath', '-i', sshd.keyFile];
  const deep = { ...pair, target: `${pair.target}/more/of it` };
  expect(await push(deep, [...byRsync, ...flags])).toMatchObject({ code: 0, transferred: 1, metadata: 0 });
  const made = join(pair.remote, 'more/of it/a');
  expect(readFileSync(made)).toEqual(readFileSync(join(pair.local, 'a')));
  expect(statSync(made).mode & 0o777).toBe(0o640);
});

test.each([
  [['push', '--mode', 'push-backup', 'L', 'R'], /mode push-backup/],
  [['pull', '--mode', 'pull-backup', 'R', 'L'], /mode pull-backup/],
  [['sync', 'L', 'R'], /mode two-way/],
  [['watch', 'L', 'R'], /watch/],
  [['push', '--compare', 'size', 'L', 'R'], /compare size/],
  [['push', '--force', 'L', 'R'], /force/],
  [['push', '--on-drift', 'keep', 'L', 'R'], /onDrift keep/],
  [['push', '--conflict', 'newest', 'L', 'R'], /conflict/],
  [['push', '--after-sync', 'true', 'L', 'R'], /afterSync/],
  [['push', '--password-file', '/nowhere', 'L', 'R'], /passwordFile.*ssh-agent/],
  [['push', 'L', 'http://127.0.0.1:9/dav'], /needs a server with SSH/],
  [['push', 'L', './copy'], /needs a server with SSH/],
  [['push', 'L', 'box:/srv/*'], /'\*'/],
] as const)('%j is refused before anything is touched', async (args, message) => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'a'), 'a');
  const places: Readonly<Record<string, string>> = { L: pair.local, R: pair.target };
  const given = args.map((word) => places[word] ?? word);
  const cwd = freshFolder('cwd');
  const { stdout, code: exit } = await towline([...given, ...byRsync, ...pair.flags, '--json'], { cwd });
  const { event, ...said } = JSON.parse(stdout) as Record<string, unknown>;
  // `watch` tells of everything as a line of its log.
  const error = event === undefined ? said.error : { code: said.code, message: said.msg };
  expect(error).toEqual({ code: 'configuration', message: expect.stringMatching(message) as string });
  expect(exit).toBe(2);
  expect([...readdirSync(pair.remote), ...readdirSync(cwd)]).toEqual([]);
  expect(existsSync(pair.stateDir)).toBe(false);
});

/** What a run that ended with an error said. */
async function refusal(
  pair: TestPair,
  options: RunOptions = {},
): Promise<{ exit: number | null; code: string; message: string }> {
  const args = ['push', pair.local, pair.target, ...pair.flags, ...byRsync, '--json'];
  const { stdout, code } = await towline(args, options);
  const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
  return { exit: code, ...error };
}

test('no rsync here', async () => {
  const pair = freshPair(sshd);
  const path = freshFolder('path');
  for (const tool of ['ssh', 'sh']) {
    symlinkSync(
      execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim(),
      join(path, tool),
    );
  }
  const said = await refusal(pair, { env: { PATH: path } });
  expect(said).toMatchObject({ exit: 1, code: 'unsupported' });
  expect(said.message).toContain('no rsync on this machine');
  expect(existsSync(pair.stateDir)).toBe(false);
});

/** A server whose sessions find only these programs, beside those that any command of ours needs. */
async function serverWith(
  programs: Readonly<Record<string, string>>,
  options: SshdOptions = {},
): Promise<TestSshd> {
  const path = freshFolder('path');
  for (const name of ['sh', 'ps', 'tr', 'head', 'wc', 'sleep']) symlinkSync(real(name), join(path, name));
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(path, name), text, { mode: 0o755 });
  return server({
    ...options,
    config: [`SetEnv PATH=${path} HOME=${freshFolder('home')}`, ...(options.config ?? [])],
  });
}

const real = (name: string) => execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();

test('no rsync there, and no shell there', async () => {
  const bare = freshPair(await serverWith({}));
  writeFileSync(join(bare.local, 'a'), 'a');
  const missing = await refusal(bare);
  expect(missing).toMatchObject({ exit: 1, code: 'unsupported' });
  expect(missing.message).toContain('no rsync on the server');
  const sftpOnly = freshPair(await server({ forceInternalSftp: true }));
  writeFileSync(join(sftpOnly.local, 'a'), 'a');
  const refused = await refusal(sftpOnly);
  expect(refused).toMatchObject({ exit: 1, code: 'unsupported' });
  for (const pair of [bare, sftpOnly]) expect(readdirSync(pair.remote)).toEqual([]);
});

test('a shell that sees another tree than SFTP gets nothing to write', async () => {
  // As of a container: the same name is another folder for whatever is run.
  const elsewhere = freshFolder('elsewhere');
  const wrapper = join(freshFolder('wrapper'), 'enter');
  const pair = freshPair(await server({ config: [`ForceCommand ${wrapper}`] }));
  const lines = [
    '#!/bin/sh',
    'case "$SSH_ORIGINAL_COMMAND" in *sftp-server*) exec $SSH_ORIGINAL_COMMAND;; esac',
    `eval "$(printf '%s\\n' "$SSH_ORIGINAL_COMMAND" | sed 's|${pair.remote}|${elsewhere}|g')"`,
  ];
  writeFileSync(wrapper, lines.join('\n'), { mode: 0o755 });
  writeFileSync(join(pair.local, 'a'), 'a');
  const said = await refusal(pair);
  expect(said).toMatchObject({ exit: 1, code: 'unsupported' });
  expect(said.message).toContain('does not see the folder');
  expect([...readdirSync(pair.remote), ...readdirSync(elsewhere)]).toEqual([]);
});

test('wrong key, unknown host key, nobody there: as with SFTP', async () => {
  const pair = freshPair(sshd);
  const config = readFileSync(sshd.sshConfigFile, 'utf8');
  const withConfig = (text: string): TestPair => {
    const file = join(freshFolder('config'), 'ssh_config');
    writeFileSync(file, text);
    return { ...pair, flags: ['-F', file, ...pair.flags.slice(2)] };
  };
  const other = join(freshFolder('key'), 'other');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', other]);
  const env = { SSH_AUTH_SOCK: undefined };
  expect(await refusal(withConfig(config.replace(sshd.keyFile, other)), { env })).toMatchObject({
    exit: 3,
    code: 'authentication',
  });
  const unknown = config.replace(sshd.knownHostsFile, join(freshFolder('known'), 'none'));
  expect(await refusal(withConfig(unknown))).toMatchObject({ exit: 3, code: 'host-key' });
  const silent = await server();
  await silent.stop();
  const port = config.replace(`Port ${String(sshd.port)}`, `Port ${String(silent.port)}`);
  expect(await refusal(withConfig(port))).toMatchObject({ exit: 4, code: 'network' });
});

/** An rsync that, behind the real one, changes a byte of the file named in `which` and keeps its time. */
const corrupting = (which: string) => `#!/bin/sh
${real('rsync')} "$@"
code=$?
if [ -f "${which}" ]; then
  file=$(${real('cat')} "${which}")
  ${real('touch')} -r "$file" "${which}.time"
  printf X | ${real('dd')} of="$file" bs=1 seek=5 conv=notrunc 2>/dev/null
  ${real('touch')} -r "${which}.time" "$file"
fi
exit $code
`;

test('what arrives wrong, twice, is told and never taken for the same', async () => {
  const where = join(freshFolder('corrupt'), 'file');
  const pair = freshPair(await serverWith({ rsync: corrupting(where) }));
  writeFileSync(join(pair.local, 'large'), randomBytes(mib));
  writeFileSync(join(pair.local, 'small'), 'small');
  writeFileSync(where, join(pair.remote, 'large'));
  const wrong = await push(pair, byRsync);
  expect(wrong).toMatchObject({
    code: 1,
    failed: 1,
    transferred: 1,
    problems: [{ path: 'large', code: 'damaged' }],
  });
  // Size and time are those of the source: only the contents tell.
  rmSync(where);
  expect(await push(pair, byRsync)).toMatchObject({ code: 0, failed: 0, transferred: 1, problems: [] });
  expect(readFileSync(join(pair.remote, 'large'))).toEqual(readFileSync(join(pair.local, 'large')));
}, 180_000);

const isRoot = process.getuid?.() === 0;
/** Root without the rights that let it read what modes forbid. */
const unprivileged = isRoot ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--'] : [];

test('what may not be read is named path by path, the rest arrives, and nothing is deleted on account of it', async () => {
  const pair = freshPair(sshd);
  for (const folder of [pair.local, pair.remote]) mkdirSync(join(folder, 'closed'));
  writeFileSync(join(pair.remote, 'closed/b'), 'b');
  writeFileSync(join(pair.remote, 'theirs'), 'theirs');
  for (const name of ['plain', 'secret']) writeFileSync(join(pair.local, name), name);
  chmodSync(join(pair.local, 'secret'), 0o000);
  chmodSync(join(pair.local, 'closed'), 0o000);
  onTestFinished(() => chmodSync(join(pair.local, 'closed'), 0o755));
  const result = await push(pair, [...byRsync, '--delete'], { wrap: unprivileged });
  expect(result).toMatchObject({ code: 5, transferred: 1, deleted: 0 });
  expect(result.problems.map(({ path, code }) => `${path} ${code}`).sort()).toEqual([
    'closed permission',
    'secret permission',
  ]);
  expect(result.holds.map(({ cause }) => cause)).toEqual(['partial-listing']);
  expect(readdirSync(pair.remote).sort()).toEqual(['closed', 'plain', 'theirs']);
  expect(readdirSync(join(pair.remote, 'closed'))).toEqual(['b']);
  expect(temps(pair)).toEqual([]);
});

test('stopped in the middle, the next run goes on where it broke off', async () => {
  const { pair, proxy } = await proxiedPair(sshd);
  const content = randomBytes(12 * mib);
  writeFileSync(join(pair.local, 'large'), content);
  const stop = freshFolder('stop');
  const args = ['push', pair.local, pair.target, ...pair.flags, ...byRsync, '--bwlimit', '4096'];
  // Its own process id is told by the shell that becomes it.
  const running = towline(args, { wrap: ['sh', '-c', `echo $$ > ${stop}/pid; exec "$0" "$@"`] });
  await eventually(() => expect(proxy.bytesUp).toBeGreaterThan(6 * mib));
  process.kill(Number(readFileSync(join(stop, 'pid'), 'utf8')), 'SIGINT');
  expect((await running).code).toBe(130);
  await eventually(() => {
    const kept = temps(pair).filter((name) => name.endsWith('/large'));
    expect(kept).toHaveLength(1);
    expect(statSync(join(pair.remote, kept[0]!)).size).toBeGreaterThan(2 * mib);
  });
  expect(existsSync(join(pair.remote, 'large'))).toBe(false);
  const before = proxy.bytesUp;
  expect(await push(pair, byRsync)).toMatchObject({ code: 0, transferred: 1, problems: [] });
  expect(proxy.bytesUp - before).toBeLessThan(10 * mib);
  expect(readFileSync(join(pair.remote, 'large'))).toEqual(content);
  expect(temps(pair)).toEqual([]);
  await proxy.stop();
}, 180_000);

test('a connection that is lost in the middle is gone on with in the same run', async () => {
  const { pair, proxy } = await proxiedPair(sshd);
  const content = randomBytes(16 * mib);
  writeFileSync(join(pair.local, 'large'), content);
  proxy.dropAfterBytes(8 * mib);
  expect(await push(pair, byRsync)).toMatchObject({ code: 0, transferred: 1, problems: [] });
  expect(proxy.bytesUp).toBeGreaterThan(16 * mib);
  expect(readFileSync(join(pair.remote, 'large'))).toEqual(content);
  expect(temps(pair)).toEqual([]);
  await proxy.stop();
}, 180_000);

test('a full volume: what does not fit is named, and the old version stays', async ({ skip }) => {
  const whole = freshPair(sshd);
  if (!mountVolume(whole.remote, 32)) skip('this machine lets nobody mount');
  const pair = { ...whole, remote: join(whole.remote, 'data'), target: `${whole.target}/data` };
  mkdirSync(pair.remote);
  writeFileSync(join(pair.local, 'large'), 'old');
  expect(await push(pair, byRsync)).toMatchObject({ code: 0 });
  const filler = fillVolume(whole.remote, 4 * mib);
  writeFileSync(join(pair.local, 'large'), randomBytes(10 * mib));
  const full = await push(pair, byRsync);
  expect(full).toMatchObject({ code: 1, problems: [{ path: 'large', code: 'no-space' }] });
  expect(readFileSync(join(pair.remote, 'large'), 'utf8')).toBe('old');
  rmSync(filler);
  expect(await push(pair, byRsync)).toMatchObject({ code: 0, problems: [] });
  expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
}, 180_000);
