/** Servers and clients for the tests of the embedded server; all end with the test that made them. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, type FileEntryWithStats, type SFTPWrapper, utils } from 'ssh2';
import { afterEach } from 'vitest';
import { type SftpServer, type SftpServerOptions, startSftpServer } from '../../src/ssh/server/server.js';
import { freshFolder } from '../support/folder.js';

export const { READ, WRITE, CREAT, EXCL } = utils.sftp.OPEN_MODE;
const cleanUp: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const one of cleanUp.splice(0).reverse()) await one();
});

export async function start(options: Partial<SftpServerOptions> = {}): Promise<SftpServer> {
  const server = await startSftpServer({ root: freshFolder('served'), ...options });
  cleanUp.push(() => server.stop());
  return server;
}

export interface Connected {
  readonly client: Client;
  readonly sftp: SFTPWrapper;
  /** Settles when the connection is gone. */
  readonly closed: Promise<unknown>;
}

export async function connect(server: SftpServer, login: Record<string, unknown> = {}): Promise<Connected> {
  const client = new Client();
  const closed = new Promise((resolve) => client.on('close', () => resolve(null)));
  const hostKey = Buffer.from(server.hostKey.split(' ')[1]!, 'base64');
  const ready = new Promise((resolve, reject) => {
    client.on('error', reject);
    client.on('ready', () => resolve(null));
  });
  const key = 'password' in login ? {} : { privateKey: server.clientKey };
  client.connect({
    host: server.host,
    port: server.port,
    username: 'someone',
    hostVerifier: (given: Buffer) => given.equals(hostKey),
    ...key,
    ...login,
  });
  await ready;
  cleanUp.push(async () => {
    client.end();
    await closed;
  });
  return { client, sftp: await call<SFTPWrapper>((done) => client.sftp(done)), closed };
}

export function call<T = undefined>(
  run: (done: (error: Error | null | undefined, value?: T) => void) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) =>
    run((error, value) => (error ? reject(error) : resolve(value as T))),
  );
}

/** The status with which a request fails. */
export async function statusOf(request: Promise<unknown>): Promise<unknown> {
  try {
    await request;
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
  return 'no failure';
}

/** Runs OpenSSH's client with a batch; a command that fails ends it. */
export async function openSshSftp(
  server: SftpServer,
  batch: string[],
): Promise<{ code: number; output: string }> {
  const folder = freshFolder('client');
  writeFileSync(join(folder, 'key'), server.clientKey, { mode: 0o600 });
  writeFileSync(join(folder, 'known_hosts'), `${server.knownHostsLine}\n`);
  writeFileSync(join(folder, 'batch'), `${batch.join('\n')}\n`);
  const options = [
    'IdentitiesOnly=yes',
    `UserKnownHostsFile=${folder}/known_hosts`,
    'GlobalKnownHostsFile=none',
  ];
  const given = ['-F', 'none', '-i', `${folder}/key`, '-P', String(server.port), '-b', `${folder}/batch`];
  const child = execFile('sftp', [
    ...given,
    ...options.flatMap((one) => ['-o', one]),
    `someone@${server.host}`,
  ]);
  let output = '';
  child.stdout?.on('data', (text: string) => (output += text));
  child.stderr?.on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

export async function put(sftp: SFTPWrapper, path: string, content: string, mode?: number): Promise<void> {
  const flags = CREAT | WRITE;
  const handle = await call<Buffer>((done) =>
    sftp.open(path, flags, mode === undefined ? {} : { mode }, done),
  );
  const data = Buffer.from(content);
  await call((done) => sftp.write(handle, data, 0, data.length, 0, done));
  await call((done) => sftp.close(handle, done));
}

export async function list(sftp: SFTPWrapper, path: string): Promise<string[]> {
  const items = await call<FileEntryWithStats[]>((done) => sftp.readdir(path, done));
  return items.map((item) => item.filename).sort();
}
