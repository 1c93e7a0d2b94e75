import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { freshFolder } from './folder.js';
import { descendantsOf, signalProcess } from './processes.js';

export interface SshdOptions {
  /** SFTP and nothing else: an exec "succeeds" and prints a refusal. */
  readonly forceInternalSftp?: boolean;
  /** Sessions see `chrootFolder` as `/`, over internal-sftp. Needs root (`canChroot`). */
  readonly chroot?: boolean;
  /** Default: a free one. */
  readonly port?: number;
  /** Kinds of host keys to make and offer. Default: ed25519 only. */
  readonly hostKeys?: readonly ('ed25519' | 'rsa' | 'ecdsa')[];
  /** Arguments of the sftp-server, e.g. `-R` (read only) or `-P limits@openssh.com` (refuse an extension). */
  readonly sftpArguments?: string;
  /** Further lines of sshd_config, ahead of ours (the first value wins there). */
  readonly config?: readonly string[];
}

/** A real OpenSSH server on 127.0.0.1 for one test; ended with the test process at the latest. */
export interface TestSshd {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly user: string;
  /** Private key (ed25519, no passphrase) that the server accepts; the public one is beside it (`.pub`). */
  readonly keyFile: string;
  readonly authorizedKeysFile: string;
  /** Holds all host keys for `[127.0.0.1]:port`. */
  readonly knownHostsFile: string;
  /** Private host keys in the order asked for; public ones beside them (`.pub`). */
  readonly hostKeyFiles: readonly string[];
  /** A ready ssh_config: `ssh -F … box`. */
  readonly sshConfigFile: string;
  /** Keys, configuration and log. Tests put their trees elsewhere. */
  readonly folder: string;
  /** What sessions see as `/`, with `chroot`. Writable folder for tests inside: `data`. */
  readonly chrootFolder: string | null;
  /** Pids of all session processes, parents before children. */
  sessions(): number[];
  /** Pids of the sftp-server subprocesses alone: killing one closes its channel and leaves the connection. */
  sftpServers(): number[];
  /** Kills the sessions; the server goes on. */
  killSessions(): void;
  logText(): string;
  /** Ends the listener and its sessions at once. */
  stop(): Promise<void>;
  /** Ends it if it runs, and starts it again on the same port with the same keys. */
  restart(): Promise<void>;
}

/** Whether this process may use the `chroot` option. */
export function canChroot(): boolean {
  return process.getuid?.() === 0;
}

/** Starts a server and resolves once it greets. Throws with its log when it does not come up. */
export async function startSshd(options: SshdOptions = {}): Promise<TestSshd> {
  const files = makeFiles(options);
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    writeConfig(files, port, options);
    try {
      const listener = await launch(files, port);
      return testSshd(files, port, listener);
    } catch (error) {
      // Somebody else may have taken the free port before sshd did.
      if (options.port !== undefined || attempt === 5) throw error;
    }
  }
}

interface Files {
  readonly folder: string;
  readonly chrootFolder: string | null;
  readonly hostKeys: readonly string[];
  readonly clientKey: string;
  readonly authorizedKeys: string;
  /** HOME of the sessions: empty. */
  readonly home: string;
  readonly knownHosts: string;
  readonly sshdConfig: string;
  readonly sshConfig: string;
  readonly log: string;
}

interface Listener {
  readonly child: ChildProcess;
  readonly kill: () => void;
}

function makeFiles(options: SshdOptions): Files {
  const folder = freshFolder('sshd');
  const hostKeys = (options.hostKeys ?? ['ed25519']).map((kind) => makeKey(folder, `host_${kind}`, kind));
  const clientKey = makeKey(folder, 'client', 'ed25519');
  const authorizedKeys = join(folder, 'authorized_keys');
  writeFileSync(authorizedKeys, readFileSync(`${clientKey}.pub`), { mode: 0o600 });
  // Its privilege separation directory; distributions make it when the service starts.
  if (canChroot()) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  return {
    folder,
    chrootFolder: options.chroot === true ? makeChroot() : null,
    hostKeys,
    clientKey,
    authorizedKeys,
    home: makeHome(folder),
    knownHosts: join(folder, 'known_hosts'),
    sshdConfig: join(folder, 'sshd_config'),
    sshConfig: join(folder, 'ssh_config'),
    log: join(folder, 'sshd.log'),
  };
}

function makeHome(folder: string): string {
  const home = join(folder, 'home');
  mkdirSync(home);
  return home;
}

function makeKey(folder: string, name: string, kind: string): string {
  const file = join(folder, name);
  execFileSync('ssh-keygen', ['-q', '-t', kind, '-N', '', '-C', name, '-f', file], { stdio: 'pipe' });
  return file;
}

/** sshd insists that no component of the path is writable by others, so the usual temp folder will not do. */
function makeChroot(): string {
  const folder = mkdtempSync('/run/towline-chroot-');
  execFileSync('chmod', ['755', folder]);
  mkdirSync(join(folder, 'data'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function writeConfig(files: Files, port: number, options: SshdOptions): void {
  const sftpArguments = options.sftpArguments ?? '';
  const internal = options.forceInternalSftp === true || files.chrootFolder !== null;
  const lines = [
    ...(options.config ?? []),
    `Port ${String(port)}`,
    'ListenAddress 127.0.0.1',
    ...files.hostKeys.map((file) => `HostKey ${file}`),
    `AuthorizedKeysFile ${files.authorizedKeys}`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'UseDNS no',
    'PrintMotd no',
    // A login shell would read what the user of this machine has in ~/.bashrc, which may take its time or hang.
    `SetEnv HOME=${files.home}`,
    'LogLevel VERBOSE',
    // Of this one, unlike all others, the last value wins.
    ...(options.config?.some((line) => line.startsWith('MaxStartups ')) === true
      ? []
      : ['MaxStartups 1000:30:2000']),
    'MaxSessions 100',
    `Subsystem sftp ${internal ? 'internal-sftp' : sftpServerFile()} ${sftpArguments}`.trimEnd(),
    ...(internal ? [`ForceCommand internal-sftp ${sftpArguments}`.trimEnd()] : []),
    ...(files.chrootFolder === null ? [] : [`ChrootDirectory ${files.chrootFolder}`]),
  ];
  writeFileSync(files.sshdConfig, `${lines.join('\n')}\n`);
  // 9.8 and later lock out an address that fails often, which tests do on purpose.
  const penalties = ['-t', '-o', 'PerSourcePenalties=no', '-f', files.sshdConfig];
  if (spawnSync(sshdFile(), penalties).status === 0) lines.push('PerSourcePenalties no');
  writeFileSync(files.sshdConfig, `${lines.join('\n')}\n`);

  const hosts = files.hostKeys.map((file) => {
    const [kind, key] = readFileSync(`${file}.pub`, 'utf8').split(' ');
    return `[127.0.0.1]:${String(port)} ${kind!} ${key!}\n`;
  });
  writeFileSync(files.knownHosts, hosts.join(''));
  const alias = [
    'Host box',
    '  HostName 127.0.0.1',
    `  Port ${String(port)}`,
    `  User ${userInfo().username}`,
    `  IdentityFile ${files.clientKey}`,
    '  IdentitiesOnly yes',
    `  UserKnownHostsFile ${files.knownHosts}`,
    '  GlobalKnownHostsFile none',
    '  StrictHostKeyChecking yes',
  ];
  writeFileSync(files.sshConfig, `${alias.join('\n')}\n`);
}

async function launch(files: Files, port: number): Promise<Listener> {
  const log = openSync(files.log, 'a');
  const child = spawn(sshdFile(), ['-D', '-e', '-f', files.sshdConfig], { stdio: ['ignore', log, log] });
  closeSync(log);
  const watchdog = watch(child);
  const kill = () => killTree(child);
  process.on('exit', kill);
  child.once('exit', () => {
    process.off('exit', kill);
    watchdog.kill('SIGKILL');
  });
  try {
    await greeted(child, port);
  } catch (error) {
    kill();
    throw new Error(`sshd did not start:\n${readFileSync(files.log, 'utf8')}`, { cause: error });
  }
  return { child, kill };
}

/**
 * Test runners may kill a worker, and then no handler of ours runs. This one notices by the end of its input, and ends the
 * listener; sessions end with their clients.
 */
function watch(sshd: ChildProcess): ChildProcess {
  const watchdog = spawn('sh', ['-c', 'read -r _; kill -9 "$1"', 'sh', String(sshd.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.unref();
  return watchdog;
}

function testSshd(files: Files, port: number, first: Listener): TestSshd {
  let listener = first;
  const running = () => listener.child.exitCode === null && listener.child.signalCode === null;
  const descendants = () => (running() ? descendantsOf(listener.child.pid!) : []);
  const stop = async () => {
    if (!running()) return;
    const ended = once(listener.child, 'exit');
    listener.kill();
    await ended;
  };
  return {
    host: '127.0.0.1',
    port,
    user: userInfo().username,
    keyFile: files.clientKey,
    authorizedKeysFile: files.authorizedKeys,
    knownHostsFile: files.knownHosts,
    hostKeyFiles: files.hostKeys,
    sshConfigFile: files.sshConfig,
    folder: files.folder,
    chrootFolder: files.chrootFolder,
    sessions: () => descendants().map((one) => one.pid),
    sftpServers: () =>
      descendants()
        .filter((one) => one.command.startsWith(sftpServerFile()))
        .map((one) => one.pid),
    killSessions: () => {
      for (const one of descendants()) signalProcess(one.pid, 'SIGKILL');
    },
    logText: () => readFileSync(files.log, 'utf8'),
    stop,
    restart: async () => {
      await stop();
      listener = await launch(files, port);
    },
  };
}

/** Stops the listener first, so that it cannot start a session between the look and the kill. */
function killTree(child: ChildProcess): void {
  const pid = child.pid;
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  signalProcess(pid, 'SIGSTOP');
  for (const one of descendantsOf(pid)) signalProcess(one.pid, 'SIGKILL');
  signalProcess(pid, 'SIGKILL');
}

/** Resolves at the first byte of the greeting; a refused connection is tried again for up to 10 s. */
async function greeted(child: ChildProcess, port: number): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('sshd ended at once');
    if (await greets(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('sshd does not greet');
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

/** sshd must be started by its absolute path: it executes itself anew for each connection. */
function sshdFile(): string {
  return firstExisting([
    '/usr/sbin/sshd',
    '/usr/local/sbin/sshd',
    '/opt/homebrew/sbin/sshd',
    '/usr/bin/sshd',
  ]);
}

function sftpServerFile(): string {
  return firstExisting([
    '/usr/lib/openssh/sftp-server',
    '/usr/libexec/sftp-server',
    '/usr/libexec/openssh/sftp-server',
    '/usr/lib/ssh/sftp-server',
  ]);
}

function firstExisting(files: readonly string[]): string {
  const found = files.find((file) => existsSync(file));
  if (found === undefined) throw new Error(`none of these exists: ${files.join(', ')}`);
  return found;
}
