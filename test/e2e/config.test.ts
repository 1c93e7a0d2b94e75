/** Configuration, as a user of the built command meets it. */
import { chmodSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
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

const isRoot = process.getuid?.() === 0;
/** Root without the rights that let it write what modes forbid. */
const unprivileged = isRoot ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--'] : [];

test('a file with five mistakes: exit 2 and five lines', async () => {
  const cwd = freshFolder();
  const file = join(cwd, 'towline.json');
  writeFileSync(
    file,
    `{
  "local": ".",
  "remote": "box",
  "prot": 2222,
  "compare": "date",
  "afterSync": { "command": "make", "where": "here" },
  "password": "hunter2"
}
`,
  );
  const { code, stdout, stderr } = await towline(['watch'], { cwd });
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr.split('\n')).toEqual([
    `towline: ${file}:3: remote: cannot be "box". Allowed: [USER@]HOST:PATH, such as "dev@box:/srv/app"`,
    `towline: ${file}:4: prot: is not a known setting. Did you mean port?`,
    `towline: ${file}:5: compare: cannot be "date". Allowed: "size", "mtime+size" or "checksum"`,
    `towline: ${file}:6: afterSync.where: cannot be "here". Allowed: "local" or "remote"`,
    `towline: ${file}:7: password: secrets are never kept in a configuration. Remove it, and name a file or a command that gives it: passwordFile, passwordCommand, passphraseFile`,
    '',
  ]);
});

test('no arguments and no towline.json: exit 2, saying how to make one', async () => {
  const cwd = freshFolder();
  for (const command of ['watch', 'push']) {
    const { code, stderr } = await towline([command], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain(`there is no towline.json in ${cwd}`);
    expect(stderr).toContain('{ "local": ".", "remote": "dev@box:/srv/app" }');
  }
  expect(readdirSync(cwd)).toEqual([]);
});

test('no JSON: exit 2, with line and column', async () => {
  const cwd = freshFolder();
  writeFileSync(join(cwd, 'towline.json'), '{\n  "local": ".",\n  "remote": "box:/x",\n}\n');
  const { code, stderr } = await towline(['push'], { cwd });
  expect(code).toBe(2);
  expect(stderr).toBe(
    `towline: ${join(cwd, 'towline.json')}:3:21: no valid JSON: there is a comma too many ahead of }\n`,
  );
});

test('no arguments: towline.json says it all, is not sent, and is left as it is', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'a.txt'), 'a');
  writeFileSync(join(pair.local, 'b.log'), 'b');
  const file = join(pair.local, 'towline.json');
  const settings = {
    local: '.',
    remote: pair.target,
    sshConfig: sshd.sshConfigFile,
    stateDir: '../state',
    exclude: '*.log',
  };
  writeFileSync(file, JSON.stringify(settings), { mode: 0o400 });
  chmodSync(pair.local, 0o555);
  const trace = () => {
    const { ino, mode, mtimeNs, ctimeNs } = statSync(file, { bigint: true });
    const folder = statSync(pair.local, { bigint: true });
    return [ino, mode, mtimeNs, ctimeNs, folder.mtimeNs, folder.ctimeNs, ...readdirSync(pair.local)];
  };
  const before = trace();
  const env = { XDG_CONFIG_HOME: join(pair.stateDir, 'none') };
  const { code, stdout, stderr } = await towline(['push', '--json', '--trust'], {
    cwd: pair.local,
    env,
    wrap: unprivileged,
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ transferred: 1 });
  expect(readdirSync(pair.remote)).toEqual(['a.txt']);
  expect(trace()).toEqual(before);
  chmodSync(pair.local, 0o755);
});

test('--profile: from any folder, with flags over it; an unknown one is answered with the known ones', async () => {
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'a.txt'), 'a');
  const config = freshFolder('config');
  const file = join(config, 'towline', 'config.json');
  mkdirSync(join(config, 'towline'));
  const web = { local: pair.local, remote: `${pair.target}/missing`, sshConfig: sshd.sshConfigFile };
  writeFileSync(file, JSON.stringify({ profiles: { web, 'other one': {} } }));
  const text = readFileSync(file, 'utf8');
  const options = { cwd: freshFolder(), env: { XDG_CONFIG_HOME: config } };
  const args = ['push', '--profile', 'web', '--state-dir', pair.stateDir, pair.target];
  expect(await towline(args, options)).toMatchObject({ code: 0, stderr: '' });
  expect(readdirSync(pair.remote)).toEqual(['a.txt']);
  expect(await towline(['push', '--profile', 'wep'], options)).toEqual({
    code: 2,
    stdout: '',
    stderr: `towline: ${file}: there is no profile 'wep'. Known profiles: 'web', 'other one'\n`,
  });
  expect(readFileSync(file, 'utf8')).toBe(text);
  expect(readdirSync(join(config, 'towline'))).toEqual(['config.json']);
});
