import { mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadConfiguration, mergePairs, profilesFile } from '../../src/config/load.js';
import { ConfigurationError } from '../../src/config/problems.js';
import { freshFolder } from '../support/folder.js';

/** A folder with this towline.json; text is written as it is. */
function project(content: unknown): { readonly cwd: string; readonly file: string } {
  const cwd = freshFolder('project');
  const file = join(cwd, 'towline.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  return { cwd, file };
}

/** An environment whose user has these profiles. */
function profiles(content: unknown): {
  readonly env: Record<string, string>;
  readonly file: string;
  readonly folder: string;
} {
  const base = freshFolder('config');
  const folder = join(base, 'towline');
  const file = join(folder, 'config.json');
  mkdirSync(folder);
  writeFileSync(file, JSON.stringify(content, null, 2));
  return { env: { XDG_CONFIG_HOME: base }, file, folder };
}

/** The lines of the error that loading ends with, without the name of `file`. */
async function linesOf(loading: Promise<unknown>, file = ''): Promise<string[]> {
  const error = await loading.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConfigurationError)) throw new Error('no mistake was found', { cause: error });
  expect(error.code).toBe('configuration');
  return error.lines.map((line) => line.replace(file, ''));
}

test('without any configuration nothing is set', async () => {
  const found = await loadConfiguration({ cwd: freshFolder(), env: {} });
  expect(found).toEqual({ pair: {}, command: {}, file: null, reach: [] });
});

test('every key of a file, and its relative paths', async () => {
  const { cwd, file } = project({
    local: '.',
    remote: 'dev@box:/srv/app',
    mode: 'push',
    port: 2222,
    identityFiles: ['keys/one', '~/two', '/three'],
    sshConfig: 'ssh_config',
    acceptNew: true,
    delete: true,
    maxDelete: 100,
    compare: 'checksum',
    exclude: ['*.log', 'b/'],
    include: 'important.log',
    excludeUp: '*.env',
    excludeDown: ['*.bak'],
    excludeFrom: ['rules'],
    filterFrom: 'merge',
    maxSize: '10M',
    gitignore: true,
    editorFiles: true,
    chmod: 'D755,F644',
    mkpath: true,
    force: true,
    fsync: true,
    bwlimit: 512.5,
    concurrency: 8,
    afterSync: [
      { command: 'make', where: 'remote', patterns: ['*.c'], timeoutSeconds: 5 },
      { command: 'true' },
    ],
    every: '1h',
    stateDir: '../state',
    settleMs: 50,
    settleMaxMs: 5000,
    rescanMinutes: 0.5,
  });
  writeFileSync(join(cwd, 'rules'), '# those\n*.tmp\n!keep.tmp\n');
  writeFileSync(join(cwd, 'merge'), '- *.o\n+ keep.o\n');
  expect(await loadConfiguration({ cwd, env: { HOME: '/home/me' } })).toEqual({
    file,
    command: { every: '1h' },
    reach: [
      "afterSync runs 'make' on the server",
      "afterSync runs 'true' here",
      `sshConfig ${join(cwd, 'ssh_config')} may run commands here`,
      'acceptNew takes unknown host keys for good',
    ],
    pair: {
      local: cwd,
      remote: 'dev@box:/srv/app',
      mode: 'push',
      port: 2222,
      identityFiles: [join(cwd, 'keys/one'), '/home/me/two', '/three'],
      sshConfig: join(cwd, 'ssh_config'),
      acceptNew: true,
      delete: true,
      maxDelete: '100',
      compare: 'checksum',
      rules: [
        { type: 'exclude', pattern: '*.tmp', source: join(cwd, 'rules'), line: 2 },
        { type: 'include', pattern: 'keep.tmp', source: join(cwd, 'rules'), line: 3 },
        { type: 'exclude', pattern: '*.o', source: join(cwd, 'merge'), line: 1 },
        { type: 'include', pattern: 'keep.o', source: join(cwd, 'merge'), line: 2 },
        { type: 'exclude', pattern: '*.log', source: file },
        { type: 'exclude', pattern: 'b/', source: file },
        { type: 'exclude', pattern: '*.env', source: file, only: 'up' },
        { type: 'exclude', pattern: '*.bak', source: file, only: 'down' },
        { type: 'include', pattern: 'important.log', source: file },
      ],
      maxSize: '10M',
      gitignore: true,
      editorFiles: true,
      chmod: 'D755,F644',
      mkpath: true,
      force: true,
      fsync: true,
      bwlimit: 512.5,
      concurrency: 8,
      afterSync: [
        { command: 'make', where: 'remote', patterns: ['*.c'], timeoutSeconds: 5 },
        { command: 'true' },
      ],
      stateDir: join(cwd, '../state'),
      settleMs: 50,
      settleMaxMs: 5000,
      rescanMinutes: 0.5,
    },
  });
});

test('single values stand for lists', async () => {
  const { cwd } = project({ identityFiles: 'key', afterSync: { command: 'make' }, maxDelete: '30%' });
  expect((await loadConfiguration({ cwd, env: {} })).pair).toEqual({
    identityFiles: [join(cwd, 'key')],
    afterSync: [{ command: 'make' }],
    maxDelete: '30%',
  });
});

test('the environment wins over the file, and its paths begin in the working directory', async () => {
  const { cwd } = project({ port: 1, delete: true, compare: 'size', exclude: 'a', every: '1h' });
  const env = {
    TOWLINE_PORT: '2',
    TOWLINE_DELETE: 'false',
    TOWLINE_STATE_DIR: 's',
    TOWLINE_INCLUDE: 'b',
    TOWLINE_EVERY: '2h',
  };
  const { pair, command } = await loadConfiguration({ cwd, env });
  expect(pair).toMatchObject({ port: 2, delete: false, compare: 'size', stateDir: join(cwd, 's') });
  expect(pair.rules?.map(({ type, pattern }) => `${type} ${pattern}`)).toEqual(['exclude a', 'include b']);
  expect(command).toEqual({ every: '2h' });
});

test('flags win over both; their filter rules come last, and so decide', () => {
  const rule = (pattern: string) => ({ type: 'exclude', pattern, source: '' }) as const;
  const merged = mergePairs(
    { port: 1, delete: true, rules: [rule('a')] },
    { local: 'x', port: 2, rules: [rule('b')] },
  );
  expect(merged).toEqual({ local: 'x', port: 2, delete: true, rules: [rule('a'), rule('b')] });
});

describe('mistakes', () => {
  test('all are listed at once, each with its line, its key and what is allowed', async () => {
    const { cwd, file } = project({
      local: '.',
      remote: 'box',
      prot: 22,
      port: 'ssh',
      compare: 'date',
      chmod: 'rwx',
      settleMs: 100,
      settleMaxMs: 50,
      excludeFrom: '/no/such/file',
      afterSync: [{ command: 'make' }, { where: 'here', patterns: 'x' }],
      exclude: ['ok', 5],
      password: 'hunter2',
      nonsense: {},
    });
    const lines = await linesOf(loadConfiguration({ cwd, env: { TOWLINE_DELETE: 'perhaps' } }), file);
    const patterns = [
      /^:3: remote: cannot be "box"\. Allowed: \[USER@\]HOST:PATH, such as "dev@box:\/srv\/app"$/,
      /^:4: prot: is not a known setting\. Did you mean port\?$/,
      /^:5: port: cannot be "ssh"\. Allowed: a whole number from 1 to 65535$/,
      /^:6: compare: cannot be "date"\. Allowed: "size", "mtime\+size" or "checksum"$/,
      /^:7: chmod: cannot be "rwx"\. Allowed: modes as in "D755,F644" or "u\+rwX,go-w"$/,
      /^:9: settleMaxMs: cannot be 50\. Allowed: no less than settleMs, which is 100$/,
      /^:10: excludeFrom: the file '\/no\/such\/file' cannot be read: /,
      /^:15: afterSync\.1\.command: is missing\. Allowed: a command for the shell$/,
      /^:16: afterSync\.1\.where: cannot be "here"\. Allowed: "local" or "remote"$/,
      /^:17: afterSync\.1\.patterns: cannot be "x"\. Allowed: a list of patterns as in \.gitignore$/,
      /^:22: exclude\.1: cannot be 5\. Allowed: a pattern as in \.gitignore$/,
      /^:24: password: secrets are never kept in a configuration\. Remove it, and name a file or a command that gives it: passwordFile/,
      /^:25: nonsense: is not a known setting\. Known: local, remote, mode, conflict, /,
      /^TOWLINE_DELETE: cannot be "perhaps"\. Allowed: true or false$/,
    ];
    expect(lines).toHaveLength(patterns.length);
    for (const [index, pattern] of patterns.entries()) expect(lines[index]).toMatch(pattern);
    expect(lines.join()).not.toContain('hunter2');
  });

  test.each([
    ['password', true],
    ['PASSWD', true],
    ['keyPassphrase', true],
    ['privateKey', true],
    ['private_key', true],
    ['apiToken', true],
    ['passive', false],
  ])('%s is a secret: %s', async (key, secret) => {
    const { cwd } = project({ [key]: 'hunter2' });
    const [line] = await linesOf(loadConfiguration({ cwd, env: {} }));
    expect(line?.includes('secrets are never kept')).toBe(secret);
    expect(line).not.toContain('hunter2');
  });

  test('keys that stand twice, or have odd names', async () => {
    const { cwd, file } = project(
      '{ "port": 1,\n"port": 2,\n"a.b/c~\\n": 1, "__proto__": {}, "constructor": 1 }',
    );
    expect(await linesOf(loadConfiguration({ cwd, env: {} }), file)).toEqual([
      ':2: port: stands here more than once. Remove all but one',
      expect.stringMatching(/^:3: a\.b\/c~\n: is not a known setting/),
      expect.stringMatching(/^:3: __proto__: is not a known setting/),
      expect.stringMatching(/^:3: constructor: is not a known setting/),
    ]);
  });

  test.each([
    ['{\n  "port": 22,\n}', ':2:13: no valid JSON: there is a comma too many ahead of }'],
    ['', ':1:1: no valid JSON: it ends where a value should be'],
    ['[]', ': it holds no JSON object. Allowed: an object with settings, such as '],
    ['null', ': it holds no JSON object. Allowed: an object with settings, such as '],
    [`{"local": "${'x'.repeat(1024 * 1024)}"}`, ': has more than 1048576 bytes: it is no configuration'],
  ])('%.20j', async (text, line) => {
    const { cwd, file } = project(text);
    expect((await linesOf(loadConfiguration({ cwd, env: {} }), file))[0]).toContain(line);
  });

  test('a file that is none', async () => {
    const cwd = freshFolder();
    mkdirSync(join(cwd, 'towline.json'));
    expect(await linesOf(loadConfiguration({ cwd, env: {} }), join(cwd, 'towline.json'))).toEqual([
      ': cannot be read (EISDIR). It has to be a file that this user may read',
    ]);
  });
});

describe('profiles', () => {
  const content = {
    profiles: {
      web: { local: 'site', remote: 'box:/srv/site', port: 2222 },
      broken: { port: 'x', remot: 'box:/y' },
      'a/b': { delete: true },
    },
  };

  test('a profile is used instead of towline.json; its paths begin in the folder of its file', async () => {
    const { env, file, folder } = profiles(content);
    const { cwd } = project({ port: 1, delete: true });
    const expected = {
      file,
      command: {},
      reach: [],
      pair: { local: join(folder, 'site'), remote: 'box:/srv/site', port: 2222 },
    };
    expect(await loadConfiguration({ cwd, env, profile: 'web' })).toEqual(expected);
    expect(await loadConfiguration({ cwd, env: { ...env, TOWLINE_PROFILE: 'web' } })).toEqual(expected);
    const named = { cwd, env: { ...env, TOWLINE_PROFILE: 'web' }, profile: 'a/b' };
    expect((await loadConfiguration(named)).pair).toEqual({ delete: true });
  });

  test('its mistakes have the whole path of the key', async () => {
    const { env, file } = profiles(content);
    const lines = await linesOf(loadConfiguration({ cwd: freshFolder(), env, profile: 'broken' }), file);
    expect(lines).toEqual([
      ':9: profiles.broken.port: cannot be "x". Allowed: a whole number from 1 to 65535',
      ':10: profiles.broken.remot: is not a known setting. Did you mean remote?',
    ]);
  });

  test('an unknown one is answered with the known ones', async () => {
    const { env, file } = profiles(content);
    const lines = (profile: string) => linesOf(loadConfiguration({ cwd: freshFolder(), env, profile }), file);
    const known = "Known profiles: 'web', 'broken', 'a/b'";
    expect(await lines('wep')).toEqual([`: there is no profile 'wep'. ${known}`]);
    expect(await lines('constructor')).toEqual([`: there is no profile 'constructor'. ${known}`]);
  });

  test('a file that holds something else, or is not there', async () => {
    const wrong = profiles({ web: {} });
    const cwd = freshFolder();
    expect(await linesOf(loadConfiguration({ cwd, env: wrong.env, profile: 'web' }), wrong.file)).toEqual([
      expect.stringMatching(/^:1: profiles: is missing\. Allowed: an object with a profile under each name$/),
      expect.stringMatching(/^:2: web: is not a known setting\. Known: profiles$/),
    ]);
    const env = { XDG_CONFIG_HOME: join(cwd, 'none') };
    const file = join(cwd, 'none/towline/config.json');
    expect(await linesOf(loadConfiguration({ cwd, env, profile: 'web' }), file)).toEqual([
      expect.stringMatching(
        /^: there is no such file, which should hold the profile 'web'\. Make it, such as \{"profiles":/,
      ),
    ]);
  });

  test('where the file is', () => {
    expect(profilesFile({ XDG_CONFIG_HOME: '/x' })).toBe('/x/towline/config.json');
    expect(profilesFile({ XDG_CONFIG_HOME: 'x', HOME: '/h' })).toBe('/h/.config/towline/config.json');
    expect(profilesFile({})).toBe(join(homedir(), '.config/towline/config.json'));
  });
});
