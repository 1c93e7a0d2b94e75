/** The package as others get it: packed, installed by npm beside a program of somebody else, type-checked strictly, and run. */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { freshFolder } from '../support/folder.js';
import { startSshd } from '../support/sshd.js';
import { freshPair } from '../support/towline.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '..', '..');
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

let packed: readonly string[];
/** The program's folder. */
let program: string;
/** Where it has the package. */
let installed: string;

/** npm resolves and fetches, and scripts of dependencies run a compiler where there is one: a bound for hangs. */
const installMaxMs = 240_000;

beforeAll(async () => {
  const folder = freshFolder('package');
  const { stdout } = await run(
    'npm',
    ['pack', '--ignore-scripts', '--offline', '--json', '--pack-destination', folder],
    { cwd: root, env: { ...process.env, npm_config_cache: join(folder, 'cache') } },
  );
  const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  packed = files.map(({ path }) => path);
  program = join(folder, 'program');
  installed = join(program, 'node_modules', 'towline');
  mkdirSync(program);
  writeFileSync(join(program, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  await ((await registryAnswers()) ? install : unpack)(join(folder, filename));
}, installMaxMs);

function registryAnswers(): Promise<boolean> {
  // Not every registry answers a ping.
  const flags = ['--prefer-online', '--fetch-retries=0', '--fetch-timeout=10000'];
  return run('npm', ['view', 'ssh2', 'version', ...flags], { cwd: program }).then(
    () => true,
    () => false,
  );
}

/** As a user does. Scripts of dependencies run as npm lets them; what they build is not needed. */
async function install(tarball: string): Promise<void> {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  const types = `@types/node@${devDependencies['@types/node']!}`;
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--no-progress'];
  await run('npm', ['install', ...flags, tarball, types], { cwd: program });
}

/** Without a registry: what the package says it needs, from this project, and nothing else that this happens to have. */
async function unpack(tarball: string): Promise<void> {
  process.stderr.write(
    'no npm registry answers: the package is unpacked by hand, with dependencies of this project\n',
  );
  mkdirSync(join(installed, '..', '.bin'), { recursive: true });
  mkdirSync(installed);
  await run('tar', ['-xzf', tarball, '-C', installed, '--strip-components=1']);
  const { dependencies, bin } = readPackage();
  chmodSync(join(installed, bin.towline!), 0o755);
  symlinkSync(join('..', 'towline', bin.towline!), join(installed, '..', '.bin', 'towline'));
  for (const name of [...Object.keys(dependencies), '@types/node', 'undici-types']) {
    const link = join(program, 'node_modules', name);
    mkdirSync(join(link, '..'), { recursive: true });
    symlinkSync(join(root, 'node_modules', name), link);
  }
}

interface Manifest {
  readonly dependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly bin: Record<string, string>;
  readonly main: string;
  readonly types: string;
  readonly exports: Record<string, string | Record<string, string>>;
}

function readPackage(): Manifest {
  return JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest;
}

test('holds the build, the unit, the licence and the README, and nothing else', () => {
  const others = packed.filter(
    (path) => !/^(dist\/.*\.(js|d\.ts)|systemd\/[^/]+|README\.md|LICENSE|package\.json)$/.test(path),
  );
  expect(others).toEqual([]);
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `dist/${path.replace(/\.ts$/, '')}`);
  const wanted = [...sources.flatMap((path) => [`${path}.js`, `${path}.d.ts`]), 'README.md', 'LICENSE'];
  expect(wanted.filter((path) => !packed.includes(path))).toEqual([]);
});

test('what package.json points to is there', async () => {
  const { bin, main, types, exports } = readPackage();
  const pointers = [
    main,
    types,
    ...Object.values(bin),
    ...Object.values(exports).flatMap((to) => (typeof to === 'string' ? [to] : Object.values(to))),
  ];
  expect(pointers.filter((path) => !existsSync(join(installed, path)))).toEqual([]);
  const command = join(installed, bin.towline!);
  expect(readFileSync(command, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}` };
  const { stdout } = await run(join('node_modules', '.bin', 'towline'), ['--version'], { cwd: program, env });
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  expect(stdout).toBe(`${version}\n`);
});

test('a strict program type-checks against it, and works', async () => {
  copyFileSync(join(root, 'test', 'support', 'consumer', 'consumer.ts'), join(program, 'consumer.ts'));
  writeFileSync(
    join(program, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: strict, files: ['consumer.ts'] }),
  );
  const checked = await run(process.execPath, [compiler, '-p', program]).catch((error: unknown) => error);
  expect(checked).toMatchObject({ stdout: '' });

  const sshd = await startSshd();
  onTestFinished(() => sshd.stop());
  const pair = freshPair(sshd);
  writeFileSync(join(pair.local, 'first'), 'one');
  // What was saved a moment ago would be compared once more.
  utimesSync(join(pair.local, 'first'), 1_600_000_000, 1_600_000_000);
  const args = [pair.local, pair.target, sshd.sshConfigFile, pair.stateDir];
  const { stdout } = await run(process.execPath, ['consumer.ts', ...args], { cwd: program });
  expect(JSON.parse(stdout)).toEqual({
    planned: ['upload first'],
    transferred: 1,
    steps: true,
    failed: 0,
    stopped: 'stopped',
    known: 1,
    why: 'none',
    carried: ['watched'],
    queue: 0,
    limit: 1024,
    listed: ['copy 3', 'first 3', 'watched 4'],
    hashes: 2,
    twinned: [2, 'seen', 'seen'],
    failure: null,
    codes: ['configuration', 'configuration', 'not-found'],
    modes: 5,
    policies: 5,
  });
  expect(readFileSync(join(pair.remote, 'watched'), 'utf8')).toBe('seen');
});

/** All that a careful project turns on; `skipLibCheck` off, so that our declarations are checked too. */
const strict = {
  target: 'ES2024',
  lib: ['ES2024', 'ESNext.Disposable'],
  module: 'NodeNext',
  moduleResolution: 'NodeNext',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  erasableSyntaxOnly: true,
  skipLibCheck: false,
  noEmit: true,
};

test('only what is exported can be imported', async () => {
  const deep = "import('towline/dist/engine/agent.js').catch((error) => process.stdout.write(error.code))";
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', deep], { cwd: program });
  expect(stdout).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED');
});
