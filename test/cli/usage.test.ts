import { expect, test } from 'vitest';
import { run } from './fakes.js';

const wrong: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [
    ['push'],
    /needs a local folder and a remote one, and there is no towline\.json in \/nowhere\. Write: towline push LOCAL \[USER@\]HOST:PATH, or put \{ "local"/,
  ],
  [['watch', './app'], /the remote folder, .* is missing/],
  [['push', 'box:/x'], /the local folder is missing/],
  [['push', '', 'box:/x'], /the local folder is missing/],
  [['push', '--profile', 'web', 'a', 'box:/x'], /\/nowhere\/towline\/config\.json: there is no such file/],
  [['push', 'a', 'box:/x', 'c'], /too many arguments: 'c'/],
  [['push', 'dev@box:/x', './app'], /'dev@box:\/x' is on a server\. Write: towline push \.\/app dev@box:\/x/],
  [['push', '[::1]:/x', './app'], /'\[::1\]:\/x' is on a server/],
  [['push', 'a:b', 'box:/x'], /both look like HOST:PATH.*'\.\/a:b'/],
  [['push', '--delte', 'a', 'box:/x'], /unknown option '--delte' \(Did you mean --delete\?\)/],
  [['push', '-Z', 'a', 'box:/x'], /unknown option '-Z'/],
  [['-v', 'push', 'a', 'box:/x'], /unknown option '-v'\. Options come after the command/],
  [['pusch', 'a', 'box:/x'], /unknown command 'pusch' \(Did you mean push\?\)/],
  [['push', '-p', 'ssh', 'a', 'box:/x'], /'-p, --port <port>' argument 'ssh' is invalid.*from 1 to 65535/],
  [['push', '-p', '65536', 'a', 'box:/x'], /from 1 to 65535/],
  [['push', '-p', '0', 'a', 'box:/x'], /from 1 to 65535/],
  [['push', 'a', 'box:/x', '-p'], /'-p, --port <port>' argument missing/],
  [['push', '--max-delete', '101%', 'a', 'box:/x'], /number of paths \(100\) or a percentage/],
  [['push', '--max-delete', 'half', 'a', 'box:/x'], /number of paths \(100\) or a percentage/],
  [['push', '--compare', 'date', 'a', 'box:/x'], /one of size, mtime\+size, checksum/],
  [['watch', '--settle-ms', '-1', 'a', 'box:/x'], /whole number, 0 or more/],
  [['watch', '--rescan-minutes', '0', 'a', 'box:/x'], /a number above 0/],
  [['push', '-q', '-v', 'a', 'box:/x'], /'-q, --quiet' cannot be used with option '-v, --verbose'/],
  [
    ['push', '--exclude-from', '/no/such/file', 'a', 'box:/x'],
    /--exclude-from '\/no\/such\/file' cannot be read/,
  ],
  [
    ['push', '--conflict', 'newest', 'a', 'box:/x'],
    /--conflict does not go with mode push: it is for mode two-way\. Leave it out/,
  ],
  [
    ['sync', '--on-drift', 'keep', 'a', 'box:/x'],
    /--on-drift .* mode two-way: it is for the modes push, pull\./,
  ],
  [
    ['watch', '--mode', 'pull-backup', '--max-delete', '9', 'a', 'box:/x'],
    /--max-delete .* mode pull-backup: it is/,
  ],
  [
    ['watch', '--remote-poll-seconds', '9', 'a', 'box:/x'],
    /--remote-poll-seconds .* mode push: it is for the modes pull,/,
  ],
  [
    ['pull', '--max-conflict-copies', '9', 'a', 'box:/x'],
    /mode pull: it makes no copies without --on-drift backup/,
  ],
  [['watch', '--force', 'a', 'box:/x'], /--force does not go with watch: everything would be sent again/],
  [['service', '--print', '--force', 'a', 'box:/x'], /--force does not go with watch/],
  [['watch', '-n', 'a', 'box:/x'], /watch has no dry run\. Use: towline push --dry-run/],
];

test.each(wrong)('%j is refused in one line', async (args, message) => {
  const ran = await run(args, { env: { XDG_CONFIG_HOME: '/nowhere' } });
  expect(ran).toMatchObject({ code: 2, stdout: '', calls: [] });
  expect(ran.stderr).toMatch(message);
  expect(ran.stderr).toMatch(/^towline: .*\n$/);
});

test('what is quoted back cannot play with the terminal', async () => {
  expect((await run(['push', '--\x1b[2J\nok', 'a', 'box:/x'])).stderr).toBe(
    "towline: unknown option '--\\e[2J\\nok'\n",
  );
});

test('with --json stdout still holds one object', async () => {
  const ran = await run(['push', '--json', '--compare', 'date', 'a', 'box:/x']);
  expect(ran.code).toBe(2);
  expect(ran.stderr).toMatch(/^towline: .*\n$/);
  const { error } = JSON.parse(ran.stdout);
  expect(error).toEqual({ code: 'configuration', message: ran.stderr.slice('towline: '.length, -1) });
});

test('after -- a --json is an argument', async () => {
  expect((await run(['push', '--', '--json', 'box:/x', 'more'])).stdout).toBe('');
});

test('help and version', async () => {
  expect(await run(['--version'])).toMatchObject({ code: 0, stdout: '1.2.3\n', stderr: '' });
  expect(await run([])).toMatchObject({ code: 2, stdout: '' });
  for (const command of ['push', 'watch']) {
    const ran = await run([command, '--help']);
    expect(ran).toMatchObject({ code: 0, stderr: '', calls: [] });
    for (const word of ['LOCAL [USER@]HOST:PATH', 'Examples:', '--max-delete', 'Exit codes:']) {
      expect(ran.stdout).toContain(word);
    }
    expect((await run(['help', command])).stdout).toBe(ran.stdout);
  }
  expect((await run(['watch', '--help'])).stdout).not.toContain('--dry-run');
});
