import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { freshFolder } from './folder.js';
import { signalProcess } from './processes.js';
import { freePort } from './sshd.js';

export interface WebdavServerOptions {
  /** Who is let in; default: everybody. */
  readonly login?: {
    readonly scheme: 'basic' | 'digest';
    readonly user: string;
    readonly password: string;
  };
  /** Over https, with a certificate of its own for `localhost`. */
  readonly tls?: boolean;
  readonly port?: number;
}

/** A real WebDAV server on 127.0.0.1 for one test file; ended with the test process at the latest. */
export interface TestWebdavServer {
  readonly port: number;
  /** The address of `folder`, without a slash at the end. */
  readonly url: string;
  /** What it serves. */
  readonly folder: string;
  /** The certificate, PEM, with `tls`. */
  readonly certificateFile: string;
  logText(): string;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

const apacheFile = '/usr/sbin/apache2';
const modules = '/usr/lib/apache2/modules';
const rcloneFile = '/usr/bin/rclone';

export const hasRclone = existsSync(rcloneFile);

/** Apache with mod_dav_fs. */
export async function startApache(options: WebdavServerOptions = {}): Promise<TestWebdavServer> {
  const home = freshFolder('apache');
  const folder = join(home, 'served');
  mkdirSync(folder);
  const certificateFile = join(home, 'certificate.pem');
  if (options.tls === true) makeCertificate(home, certificateFile);
  return start({
    home,
    folder,
    certificateFile,
    options,
    command: (port) => {
      const file = join(home, 'apache.conf');
      writeFileSync(file, `${apacheConfig(home, port, options).join('\n')}\n`);
      return [...asNobodySpecial(home), apacheFile, '-f', file, '-DFOREGROUND'];
    },
  });
}

/** `rclone serve webdav`: the WebDAV of Go's libraries, as in many small servers. */
export async function startRclone(options: WebdavServerOptions = {}): Promise<TestWebdavServer> {
  const home = freshFolder('rclone');
  const folder = join(home, 'served');
  mkdirSync(folder);
  const login = options.login;
  const flags = login === undefined ? [] : ['--user', login.user, '--pass', login.password];
  const serve = [
    rcloneFile,
    'serve',
    'webdav',
    folder,
    '--config',
    join(home, 'none'),
    '--dir-cache-time',
    '0',
  ];
  return start({
    home,
    folder,
    certificateFile: '',
    options,
    command: (port) => [...serve, '--addr', `127.0.0.1:${String(port)}`, ...flags],
  });
}

interface Kind {
  readonly home: string;
  readonly folder: string;
  readonly certificateFile: string;
  readonly options: WebdavServerOptions;
  readonly command: (port: number) => readonly string[];
}

async function start(kind: Kind): Promise<TestWebdavServer> {
  const { options, folder, certificateFile } = kind;
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    try {
      let child = await launch(kind, port);
      const stop = async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'exit');
        signalProcess(child.pid!, 'SIGTERM');
        await ended;
      };
      return {
        port,
        url: `${options.tls === true ? 'https://localhost' : 'http://127.0.0.1'}:${String(port)}`,
        folder,
        certificateFile,
        logText: () => readFileSync(join(kind.home, 'log'), 'utf8'),
        stop,
        restart: async () => {
          await stop();
          child = await launch(kind, port);
        },
      };
    } catch (error) {
      // Somebody else may have taken the free port meanwhile.
      if (options.port !== undefined || attempt === 5) throw error;
    }
  }
}

async function launch(kind: Kind, port: number): Promise<ChildProcess> {
  const log = openSync(join(kind.home, 'log'), 'a');
  const [command, ...args] = kind.command(port);
  const child = spawn(command!, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  // Test runners may kill a worker; this one notices by the end of its input.
  const watchdog = spawn('sh', ['-c', 'read -r _; kill "$1"', 'sh', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.unref();
  child.once('exit', () => watchdog.kill('SIGKILL'));
  for (let tries = 0; tries < 500 && child.exitCode === null; tries++) {
    if (await accepts(port)) return child;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGKILL');
  throw new Error(`${command!} did not start:\n${readFileSync(join(kind.home, 'log'), 'utf8')}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/**
 * Apache does not serve as root, and tests that run as root make files that others may not touch: it runs as another
 * user with the one right of root's that lets it work there.
 */
function asNobodySpecial(home: string): string[] {
  if (process.getuid?.() !== 0) return [];
  execFileSync('chown', ['-R', 'www-data:www-data', home]);
  const rights = '+dac_override,+dac_read_search,+fowner';
  const user = ['--reuid=www-data', '--regid=www-data', '--clear-groups'];
  return ['setpriv', ...user, `--inh-caps=${rights}`, `--ambient-caps=${rights}`, '--'];
}

function apacheConfig(home: string, port: number, { login, tls }: WebdavServerOptions): string[] {
  const names = ['mpm_event', 'authz_core', 'authn_core', 'authn_file', 'authz_user', 'dav', 'dav_fs'];
  if (login !== undefined) names.push(`auth_${login.scheme}`);
  if (tls === true) names.push('ssl');
  return [
    ...names.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`),
    `ServerRoot ${home}`,
    'ServerName localhost',
    `Listen 127.0.0.1:${String(port)}`,
    `PidFile ${home}/pid`,
    `DefaultRuntimeDir ${home}`,
    `ErrorLog ${home}/log`,
    `DocumentRoot ${home}/served`,
    `DavLockDB ${home}/locks`,
    ...(tls === true
      ? [
          'SSLEngine on',
          `SSLCertificateFile ${home}/certificate.pem`,
          `SSLCertificateKeyFile ${home}/key.pem`,
        ]
      : []),
    `<Directory ${home}/served>`,
    'Dav On',
    ...(login === undefined ? ['Require all granted'] : loginLines(home, login)),
    '</Directory>',
  ];
}

function loginLines(home: string, login: NonNullable<WebdavServerOptions['login']>): string[] {
  const { scheme, user, password } = login;
  const hash = (algorithm: string, text: string, encoding: 'hex' | 'base64') =>
    createHash(algorithm).update(text).digest(encoding);
  const line =
    scheme === 'basic'
      ? `${user}:{SHA}${hash('sha1', password, 'base64')}`
      : `${user}:tests:${hash('md5', `${user}:tests:${password}`, 'hex')}`;
  writeFileSync(join(home, 'users'), `${line}\n`);
  const type = scheme === 'basic' ? 'Basic' : 'Digest';
  return [`AuthType ${type}`, 'AuthName tests', `AuthUserFile ${home}/users`, 'Require valid-user'];
}

function makeCertificate(home: string, certificateFile: string): void {
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const files = ['-keyout', join(home, 'key.pem'), '-out', certificateFile];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...name, ...files],
    {
      stdio: 'pipe',
    },
  );
}
