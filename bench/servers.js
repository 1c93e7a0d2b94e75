/** One OpenSSH server on 127.0.0.1 for all contestants, with keys of its own. */
import { execFileSync } from 'node:child_process';
import { existsSync, openSync, readFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { once } from 'node:events';
import { userInfo } from 'node:os';
import { join } from 'node:path';

function firstExisting(files) {
  const found = files.find((file) => existsSync(file));
  if (found === undefined)
    throw new Error(`OpenSSH's server is needed; none of these exists: ${files.join(', ')}`);
  return found;
}

/** By its absolute path: sshd executes itself anew for each connection. */
function sshdFile() {
  return firstExisting([
    '/usr/sbin/sshd',
    '/usr/local/sbin/sshd',
    '/opt/homebrew/sbin/sshd',
    '/usr/bin/sshd',
  ]);
}

function sftpServerFile() {
  return firstExisting([
    '/usr/lib/openssh/sftp-server',
    '/usr/libexec/sftp-server',
    '/usr/libexec/openssh/sftp-server',
    '/usr/lib/ssh/sftp-server',
  ]);
}

function makeKey(file) {
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'bench', '-f', file], { stdio: 'pipe' });
  return file;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function greets(port) {
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

async function greeted(child, port) {
  for (let attempt = 0; attempt < 500 && child.exitCode === null; attempt++) {
    if (await greets(port)) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

/**
 * Starts the server. Its folder holds keys, configuration and log.
 * @returns `user`, `port`, `keyFile`, `sshConfig(port)`: an ssh_config in which `box` is the server as seen through that
 *   port, and `stop`
 */
export async function startServer(children, folder) {
  mkdirSync(folder, { recursive: true });
  const hostKey = makeKey(join(folder, 'host_key'));
  const keyFile = makeKey(join(folder, 'client_key'));
  const authorizedKeys = join(folder, 'authorized_keys');
  writeFileSync(authorizedKeys, readFileSync(`${keyFile}.pub`), { mode: 0o600 });
  // Its privilege separation directory; distributions make it when the service starts.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await freePort();
  const config = join(folder, 'sshd_config');
  const settings = {
    Port: port,
    ListenAddress: '127.0.0.1',
    HostKey: hostKey,
    AuthorizedKeysFile: authorizedKeys,
    PidFile: 'none',
    StrictModes: 'no',
    UsePAM: 'no',
    PasswordAuthentication: 'no',
    KbdInteractiveAuthentication: 'no',
    PermitRootLogin: 'yes',
    UseDNS: 'no',
    PrintMotd: 'no',
    LogLevel: 'ERROR',
    MaxStartups: '1000:30:2000',
    MaxSessions: 100,
    Subsystem: `sftp ${sftpServerFile()}`,
  };
  writeFileSync(config, linesOf(settings));
  const log = openSync(join(folder, 'sshd.log'), 'a');
  const child = children.start(sshdFile(), ['-D', '-e', '-f', config], { stdio: ['ignore', log, log] });
  if (!(await greeted(child, port)))
    throw new Error(`sshd did not start: ${readFileSync(join(folder, 'sshd.log'), 'utf8')}`);
  const { username: user } = userInfo();
  const knownHosts = join(folder, 'known_hosts');
  writeFileSync(knownHosts, `bench ${readFileSync(`${hostKey}.pub`, 'utf8')}`);
  return {
    user,
    port,
    keyFile,
    hostKeyFile: `${hostKey}.pub`,
    sshConfig: (throughPort) => writeSshConfig(folder, { user, keyFile, knownHosts }, throughPort),
    stop: () => children.end(child),
  };
}

function linesOf(settings) {
  return Object.entries(settings)
    .map(([key, value]) => `${key} ${value}\n`)
    .join('');
}

function writeSshConfig(folder, { user, keyFile, knownHosts }, port) {
  const file = join(folder, `ssh_config_${port}`);
  const settings = {
    HostName: '127.0.0.1',
    Port: port,
    User: user,
    IdentityFile: keyFile,
    IdentitiesOnly: 'yes',
    HostKeyAlias: 'bench',
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: 'none',
    StrictHostKeyChecking: 'yes',
    LogLevel: 'ERROR',
  };
  writeFileSync(file, `Host box\n${linesOf(settings)}`);
  return file;
}
