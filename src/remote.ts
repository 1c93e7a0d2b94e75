/** The remote of a pair: what is behind it (SSH, WebDAV, a folder of this machine, a program's storage), and how it is opened. */
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import type { PairOptions } from './config/options.js';
import { hasErrno, TowlineError } from './core/errors.js';
import type { Remote, RemoteIdentity } from './remote/contract.js';
import { noCommands } from './remote/no-commands.js';
import { storageIdentity, type StorageRemote, storageRemote } from './remote/storage-remote.js';
import { runLocalCommand } from './serve/local-command.js';
import { resolveHost } from './ssh/config.js';
import { createConnection } from './ssh/connection.js';
import { createIdentity } from './ssh/identity.js';
import { recordHostKeys } from './ssh/record-host-keys.js';
import type { Prompts } from './ssh/prompts.js';
import { passwordSource, type SecretOptions } from './ssh/secret-sources.js';
import { isTarget, parseTarget } from './ssh/target.js';
import { createLocalLink } from './storage/local/link.js';
import { createLocalStorage } from './storage/local/storage.js';
import { MomentaryFiles } from './storage/sftp/momentary-files.js';
import { RemoteShell } from './storage/sftp/shell/remote-shell.js';
import { createSftpStorage } from './storage/sftp/storage.js';
import { isWebdavTarget, parseWebdavTarget } from './storage/webdav/target.js';
import { systemClock } from './system-clock.js';

type Env = Readonly<Record<string, string | undefined>>;

const everything = { commands: true, modes: true, fsync: true };

type Named = Pick<PairOptions, 'remote' | 'port' | 'identityFiles' | 'sshConfig' | 'acceptNew'> &
  SecretOptions;

/** The same where the remote may also be a storage of the program's own. */
type Given<T = StorageRemote> = Omit<Named, 'remote'> & { readonly remote: string | T };

/**
 * Finds out what the remote's name means.
 * @param localRoot the real path of the local folder, which must not lie in the remote one or around it; `null`: none
 * @param prompts asks a person, where there is one
 * @throws `configuration`, `unsupported`
 */
export async function resolveRemote(
  options: Given,
  localRoot: string | null,
  env: Env,
  prompts?: Prompts,
): Promise<Remote> {
  const { remote } = options;
  if (typeof remote !== 'string') return storageRemote(remote);
  const named = { ...options, remote };
  switch (await kindOf(remote)) {
    case 'webdav':
      return webdavRemote(named, env);
    case 'local':
      return localRemote(remote, localRoot);
    case 'ssh':
      return sshRemote(named, env, prompts);
  }
}

/**
 * The identity alone, as `resolveRemote` finds it: no key is read, and nothing has to exist.
 * @throws `configuration`
 */
export async function identifyRemote(
  options: Given<Pick<StorageRemote, 'name'>>,
  env: Env,
): Promise<RemoteIdentity> {
  const { remote } = options;
  if (typeof remote !== 'string') return storageIdentity(remote.name);
  switch (await kindOf(remote)) {
    case 'webdav':
      return webdavIdentity({ ...options, remote });
    case 'local':
      return localIdentity(await realPath(remote));
    case 'ssh': {
      const target = parseTarget(remote);
      const { user, hostName, port } = await resolveHost({
        host: target.host,
        user: target.user,
        port: options.port ?? target.port,
        env,
        ...(options.sshConfig === undefined ? {} : { configFile: options.sshConfig }),
      });
      return { user, host: hostName, port, path: target.path };
    }
  }
}

/**
 * Refuses what can be the name of no remote, without looking anywhere.
 * @throws `configuration`
 */
export function checkTarget(text: string): void {
  if (isWebdavTarget(text)) parseWebdavTarget(text);
  else if (isTarget(text)) parseTarget(text);
}

/**
 * A name with a colon ahead of its first slash is on a server, as with scp and rsync; one that begins with `/` or `.` is a
 * folder of this machine, and any other only when it exists: a forgotten `HOST:` is no folder to be made.
 */
async function kindOf(text: string): Promise<'webdav' | 'local' | 'ssh'> {
  if (isWebdavTarget(text)) return 'webdav';
  if (isTarget(text)) return 'ssh';
  if (/^(?:\/|\.{1,2}(?:\/|$)|[a-z]:\\)/i.test(text)) return 'local';
  const [seen] = await Promise.allSettled([stat(text)]);
  if (seen.status === 'fulfilled' && seen.value.isDirectory()) return 'local';
  throw new TowlineError('configuration', `'${text}' is neither a place on a server nor a folder here`, {
    hint: `Write HOST:${text} for a folder on a server, or ./${text} for one on this machine that is to be made`,
  });
}

// ------------------------------------------------------------------------------------------------- SSH

async function sshRemote(options: Named, env: Env, prompts?: Prompts): Promise<Remote> {
  const target = parseTarget(options.remote);
  const identity = await createIdentity({
    target,
    acceptNew: options.acceptNew ?? false,
    env,
    secrets: options,
    ...(prompts === undefined ? {} : { prompts }),
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.identityFiles === undefined ? {} : { identityFiles: options.identityFiles }),
    ...(options.sshConfig === undefined ? {} : { configFile: options.sshConfig }),
  });
  const { user, hostName: host, port } = identity.resolved;
  const label = `${identity.label}:${target.path}`;
  return {
    label,
    identity: { user, host, port, path: target.path },
    can: everything,
    open: ({ mayWrite = false, large = false, ...how }) => {
      const link = createConnection({
        label: identity.label,
        connect: () => identity.connect(),
        classify: (error) => identity.classify(error),
        reconsider: (error) => identity.reconsider(error),
        clock: systemClock,
        ...how,
      });
      const endRecording = recordHostKeys(link, identity, how.log);
      const momentary = new MomentaryFiles(link);
      link.onState(({ name }) => {
        if (name === 'ready') void momentary.sweep();
      });
      const place = { session: link, root: target.path, clock: systemClock, momentary };
      const shell = new RemoteShell({ ...place, commands: link, onlyLook: !mayWrite });
      return {
        storage: createSftpStorage({ ...place, label, shell, large }),
        inotify: (script, run) => shell.start('inotifywait', script, run),
        link,
        run: (run) => link.exec(run.command, { ...run, directory: target.path }),
        close: async () => {
          await endRecording();
          await shell.close();
          await link.close();
        },
      };
    },
  };
}

// ------------------------------------------------------------------------------------------------- WebDAV

function webdavIdentity({ remote, port }: Named): RemoteIdentity {
  if (port !== undefined) {
    throw new TowlineError('configuration', '--port is for SSH, and the remote is an http(s):// address', {
      hint: 'Put the port into the address: https://USER@HOST:PORT/PATH',
    });
  }
  const target = parseWebdavTarget(remote);
  // The scheme is part of it: behind it may be another server.
  const host = `${target.scheme}://${target.host}`;
  return { user: target.user ?? '', host, port: target.port, path: target.path };
}

async function webdavRemote(options: Named, env: Env): Promise<Remote> {
  const identity = webdavIdentity(options);
  const source = await passwordSource(options, env);
  const password = async () => (source === null ? null : source.read());
  const target = options.remote;
  // Its packages take longer to load than all of ours: only who needs them waits for that.
  const { openWebdav } = await import('./storage/webdav/open.js');
  return {
    label: target,
    identity,
    can: { commands: false, modes: false, fsync: false },
    open: (how) => {
      const { storage, link } = openWebdav({ target, password, clock: systemClock, ...how });
      return { storage, link, inotify: null, run: () => noCommands(target), close: () => link.close() };
    },
  };
}

// ------------------------------------------------------------------------------------------------- local

function localIdentity(path: string): RemoteIdentity {
  return { user: '', host: 'local', port: 0, path };
}

async function localRemote(text: string, localRoot: string | null): Promise<Remote> {
  const path = await realPath(text);
  if (localRoot !== null && (isWithin(path, localRoot) || isWithin(localRoot, path))) {
    throw new TowlineError(
      'configuration',
      `'${text}' and the local folder (${localRoot}) lie in each other`,
      {
        path: text,
        hint: 'Choose two folders of which neither is inside the other',
      },
    );
  }
  return {
    label: text,
    identity: localIdentity(path),
    can: everything,
    open: () => {
      const link = createLocalLink(text);
      return {
        storage: createLocalStorage({ root: path, label: text, writable: true }),
        link,
        inotify: null,
        run: (run) => runLocalCommand(path, run, systemClock),
        close: () => link.close(),
      };
    },
  };
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && resolve(folder, way) === path);
}

/**
 * The real path of a folder that may not be there: as much of it as there is.
 * @throws `configuration` when it cannot be reached
 */
export async function realPath(path: string): Promise<string> {
  const absolute = resolve(path);
  try {
    return await realpath(absolute);
  } catch (error) {
    const missing = hasErrno(error, 'ENOENT');
    if (!missing || absolute === dirname(absolute)) {
      throw new TowlineError('configuration', `the folder '${path}' cannot be reached`, {
        path,
        hint: 'Check the permissions of the folders above it',
        cause: error,
      });
    }
    return join(await realPath(dirname(absolute)), basename(absolute));
  }
}
