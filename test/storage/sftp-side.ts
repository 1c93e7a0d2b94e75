/** What the tests of the SFTP storage share: a real server, a connection to it, and sides over it. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, TowlineError } from '../../src/core/errors.js';
import { silence } from '../../src/core/silence.js';
import type { Clock } from '../../src/ports.js';
import type { InPlaceStorage } from '../../src/ports-in-place.js';
import { systemClock } from '../../src/system-clock.js';
import type { SftpChannel, SftpSession, StreamSession } from '../../src/ssh/channel.js';
import { createConnection, type Connection } from '../../src/ssh/connection.js';
import { RemoteShell } from '../../src/storage/sftp/shell/remote-shell.js';
import { createSftpStorage } from '../../src/storage/sftp/storage.js';
import { rawFolder } from '../contract/raw-folder.js';
import type { ContractSide, MakeSide } from '../contract/side.js';
import { freshFolder } from '../support/folder.js';
import { startSshd, type SshdOptions, type TestSshd } from '../support/sshd.js';

export interface Login {
  readonly sshd: TestSshd;
  readonly connection: Connection;
  end(): Promise<void>;
}

/** A server and a ready connection to it. */
export async function logIn(options: SshdOptions = {}): Promise<Login> {
  const sshd = await startSshd(options);
  const privateKey = readFileSync(sshd.keyFile);
  const connection = createConnection({
    label: `${sshd.user}@${sshd.host}`,
    connect: async () => ({
      host: sshd.host,
      port: sshd.port,
      // The server is ours and on loopback; host keys have tests of their own.
      hostVerifier: () => true,
      ssh: { username: sshd.user, privateKey },
    }),
    clock: systemClock,
    log: silence,
  });
  await connection.ready();
  return {
    sshd,
    connection,
    end: async () => {
      await connection.close();
      await sshd.stop();
    },
  };
}

/** A storage for `root` over this session. */
export function storageAt(session: SftpSession, root: string, clock: Clock = systemClock): InPlaceStorage {
  return createSftpStorage({ session, root, label: `box:${root}`, clock });
}

/** A shell for `root`, where the server has one. */
export function shellAt(session: SftpSession, commands: StreamSession, root: string): RemoteShell {
  return new RemoteShell({ session, commands, root, clock: systemClock });
}

/** The same, which writes nothing there to find out whether it is one. */
export function lookingShellAt(session: SftpSession, commands: StreamSession, root: string): RemoteShell {
  return new RemoteShell({ session, commands, root, clock: systemClock, onlyLook: true });
}

/** As `storageAt`, with the server's shell for what that can do; it lists trees of any size by find. */
export function storageWithShell(
  session: SftpSession,
  commands: StreamSession,
  root: string,
): InPlaceStorage {
  const shell = shellAt(session, commands, root);
  return createSftpStorage({ session, root, label: `box:${root}`, clock: systemClock, shell, large: true });
}

/** Sides with fresh roots over one session, for the contract suite. */
export function sidesOver(
  session: () => SftpSession,
  unlistable?: (absolute: string) => Promise<void>,
  commands?: () => StreamSession,
): MakeSide<InPlaceStorage> {
  return async (kind) => {
    const root = join(freshFolder('sftp'), ...(kind === 'far' ? ['missing', 'root'] : ['root']));
    if (kind === 'present') await mkdir(root);
    const storage =
      commands === undefined ? storageAt(session(), root) : storageWithShell(session(), commands(), root);
    const side: ContractSide<InPlaceStorage> = {
      storage,
      raw: rawFolder(root, unlistable),
      dispose: async () => undefined,
    };
    return side;
  };
}

/** Nobody but root passes it; for servers without root's privileges. */
export const makeUnlistable = (absolute: string): Promise<void> => chmod(absolute, 0);

const sftpServer = '/usr/lib/openssh/sftp-server';

/** Whether `unprivilegedServer` can be used here: as root, on Debian and its like. */
export const canDropPrivileges =
  process.getuid?.() === 0 && existsSync('/usr/bin/setpriv') && existsSync(sftpServer);

/**
 * The command of an sftp-server that may do no more than any user, though it runs as root: so that permissions can be
 * tested where tests run as root.
 */
export const unprivilegedServer = [
  'setpriv --bounding-set=-dac_override,-dac_read_search,-fowner,-chown',
  sftpServer,
].join(' ');

/** The same for whatever the server runs: its shell and helpers too. */
export const unprivilegedShell =
  'setpriv --bounding-set=-dac_override,-dac_read_search,-fowner,-chown sh -c "$SSH_ORIGINAL_COMMAND"';

type Changes = Partial<Omit<SftpChannel, 'open'>>;

/** The session with each of its channels changed: what is in the result of `change` replaces the channel's own. */
export function changedSession(session: SftpSession, change: (channel: SftpChannel) => Changes): SftpSession {
  const changed = new WeakMap<SftpChannel, SftpChannel>();
  return {
    label: session.label,
    channel: async (purpose) => {
      const channel = await session.channel(purpose);
      const known = changed.get(channel) ?? changedChannel(channel, change(channel));
      changed.set(channel, known);
      return known;
    },
  };
}

function changedChannel(channel: SftpChannel, given: Changes): SftpChannel {
  const { lstat } = given;
  const orNull = async (path: string) => {
    try {
      return await lstat!(path);
    } catch (error) {
      if (hasCode(error, 'not-found')) return null;
      throw error;
    }
  };
  // It is the same request.
  const changes: Changes = lstat === undefined ? given : { lstatOrNull: orNull, ...given };
  return new Proxy(channel, {
    get: (target, key) => {
      const value: unknown = Reflect.get(
        key in changes ? changes : target,
        key,
        key in changes ? changes : target,
      );
      if (typeof value !== 'function') return value;
      return (...args: unknown[]): unknown => Reflect.apply(value, key in changes ? changes : target, args);
    },
  });
}

/** The extensions the storage uses, and the calls that need them. */
const callsByExtension: Readonly<Record<string, keyof SftpChannel>> = {
  'posix-rename@openssh.com': 'posixRename',
  'fsync@openssh.com': 'fsync',
  'statvfs@openssh.com': 'space',
  'lsetstat@openssh.com': 'lsetstat',
  'copy-data': 'copyData',
};

/** The session of a server that does not offer these extensions; all of them when none is named. */
export function sessionWithout(session: SftpSession, ...names: string[]): SftpSession {
  const missing = names.length === 0 ? Object.keys(callsByExtension) : names;
  const refused = (): Promise<never> =>
    Promise.reject(new TowlineError('unsupported', 'the server does not offer this'));
  const calls: Record<string, typeof refused> = {};
  for (const name of missing) calls[callsByExtension[name]!] = refused;
  return changedSession(session, (channel) => ({
    ...calls,
    extensions: new Map([...channel.extensions].filter(([name]) => !missing.includes(name))),
  }));
}

/** What a shell says that has all tools. */
export const everything = {
  find: true,
  sha256sum: true,
  sort: true,
  inotifywait: true,
  tar: true,
  certain: true,
};

/** The commands of a session, with each script changed and counted. */
export function changedCommands(
  commands: StreamSession,
  change: (script: string) => string,
): StreamSession & { readonly scripts: string[] } {
  const scripts: string[] = [];
  return {
    scripts,
    label: commands.label,
    get epoch() {
      return commands.epoch;
    },
    stream: (script, options) => {
      scripts.push(script);
      return commands.stream(change(script), options);
    },
  };
}
