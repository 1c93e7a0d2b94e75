// Brings a fresh clone to where it can run: dependencies, the pinned Node's native crypto, dist/, and with
// --tests what the tests need of the system. Runs under any Node ≥ 18, since it is what installs the right one.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const args = new Set(process.argv.slice(2));
const pinnedNode = join(root, 'node_modules', '.bin', 'node');

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}

function run(command, commandArgs, { required = true, quiet = false } = {}) {
  const result = spawnSync(command, commandArgs, {
    cwd: root,
    stdio: ['ignore', quiet ? 'ignore' : 2, quiet ? 'ignore' : 2],
  });
  if (result.status === 0) return true;
  if (!required) return false;
  say(`'${command} ${commandArgs.join(' ')}' failed (${result.error?.message ?? `exit ${result.status}`})`);
  process.exit(1);
}

function mtimeOf(path) {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function newestBelow(folder) {
  let newest = 0;
  for (const item of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    newest = Math.max(newest, statSync(join(item.parentPath ?? item.path, item.name)).mtimeMs);
  }
  return newest;
}

function installDependencies() {
  const installed = mtimeOf(join(root, 'node_modules', '.package-lock.json'));
  if (installed >= mtimeOf(join(root, 'package-lock.json')) && existsSync(pinnedNode)) return;
  say('installing dependencies (npm ci)');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel', 'error']);
  const stamp = new Date();
  utimesSync(join(root, 'node_modules', '.package-lock.json'), stamp, stamp);
}

// npm ci ran the build with the machine's Node; the binding must be for the one that will load it (without it
// SSH is three times slower, but works).
function buildNativeCrypto() {
  const binding = './node_modules/ssh2/lib/protocol/crypto/build/Release/sshcrypto.node';
  const loads = () =>
    run(pinnedNode, ['-e', `require(${JSON.stringify(binding)})`], { required: false, quiet: true });
  if (loads()) return;
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const prefix = platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node';
  const headers = ['node_modules/node/node_modules', 'node_modules']
    .map((folder) => join(root, folder, `${prefix}-${platform}-${process.arch}`))
    .find((folder) => existsSync(join(folder, 'include', 'node')));
  say('building the native crypto of ssh2 for the pinned Node');
  const nodedir = headers === undefined ? [] : [`--nodedir=${headers}`];
  run('npm', ['rebuild', 'ssh2', 'cpu-features', '--loglevel', 'error', ...nodedir], {
    required: false,
    quiet: true,
  });
  if (!loads())
    say('the native crypto could not be built (a C++ compiler and make are needed): SSH will be slower');
}

function build() {
  const stamp = join(root, 'dist', '.built');
  const inputs = [
    newestBelow(join(root, 'src')),
    mtimeOf(join(root, 'package-lock.json')),
    mtimeOf(join(root, 'tsconfig.json')),
  ];
  if (mtimeOf(stamp) >= Math.max(...inputs)) return;
  say('building dist/');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  run(pinnedNode, [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json']);
  writeFileSync(stamp, '');
}

function has(command) {
  return (
    run('sh', ['-c', `command -v ${command}`], { required: false, quiet: true }) ||
    existsSync(`/usr/sbin/${command}`) ||
    existsSync(`/sbin/${command}`)
  );
}

function installTestTools() {
  const wanted = {
    sshd: 'openssh-server',
    rsync: 'rsync',
    git: 'git',
    setpriv: 'util-linux',
    vim: 'vim-tiny',
    sed: 'sed',
    apache2: 'apache2-bin',
    openssl: 'openssl',
    inotifywait: 'inotify-tools',
  };
  // Without these a few tests are skipped, and say so. systemd alone does not become the machine's init.
  const welcome = {
    'systemd-analyze': 'systemd',
    python3: 'python3-minimal',
    rclone: 'rclone',
    useradd: 'passwd',
  };
  const missing = (tools) =>
    Object.entries(tools)
      .filter(([command]) => !has(command) && !(command === 'vim' && has('vim.tiny')))
      .map(([, name]) => name);
  const packages = missing(wanted);
  if (packages.length > 0 && !installPackages(packages)) {
    say(`please install: ${packages.join(' ')} (the tests run against the real ones)`);
  }
  const more = missing(welcome);
  if (process.platform === 'linux' && more.length > 0 && !installPackages(more)) {
    say(`without ${more.join(' ')} some tests are skipped`);
  }
}

function installPackages(packages) {
  say(`installing ${packages.join(' ')}`);
  const apt = process.getuid?.() === 0 ? ['apt-get'] : ['sudo', '-n', 'apt-get'];
  const install = () =>
    run(apt[0], [...apt.slice(1), 'install', '-y', '-qq', '--no-install-recommends', ...packages], {
      required: false,
      quiet: true,
    });
  return (
    has('apt-get') &&
    (install() || (run(apt[0], [...apt.slice(1), 'update', '-qq'], { required: false }) && install()))
  );
}

installDependencies();
buildNativeCrypto();
if (args.has('--build')) build();
if (args.has('--tests')) installTestTools();
