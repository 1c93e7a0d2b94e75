/** The server as rsync and the system's ssh are told of it. */
import { resolve } from 'node:path';
import { TowlineError } from '../core/errors.js';

/** What the user gave, unresolved: the system's ssh resolves it by the same ssh_config as we do. */
export interface RsyncServer {
  readonly host: string;
  /** `null`: as ssh_config or the login name says. */
  readonly user: string | null;
  /** `null`: as ssh_config says. */
  readonly port: number | null;
  /** Absolute, or relative to the login directory. */
  readonly path: string;
  readonly identityFiles: readonly string[];
  /** `-F`. */
  readonly configFile?: string;
  /** Whether an unknown host key is written down; a changed one is refused all the same. */
  readonly acceptNew: boolean;
  /** For people: `dev@box:/srv/app`. */
  readonly label: string;
}

/** Keys only, nobody is asked, no key of a host unchecked; and nothing of ssh_config that is meant for a terminal. */
function settingsOf({ acceptNew }: RsyncServer): string[] {
  return [
    'BatchMode=yes',
    'PasswordAuthentication=no',
    'KbdInteractiveAuthentication=no',
    'NumberOfPasswordPrompts=0',
    `StrictHostKeyChecking=${acceptNew ? 'accept-new' : 'yes'}`,
    'ClearAllForwardings=yes',
    'ForwardAgent=no',
    'ForwardX11=no',
    'PermitLocalCommand=no',
    'RemoteCommand=none',
    'RequestTTY=no',
    'ControlMaster=no',
    'ServerAliveInterval=15',
    'ServerAliveCountMax=4',
  ];
}

/** The value of rsync's `-e`: the system's ssh with the settings above and what the user gave. */
export function remoteShell(server: RsyncServer): string {
  const { user, port, identityFiles, configFile } = server;
  const words = ['ssh'];
  if (configFile !== undefined) words.push('-F', configFile === 'none' ? 'none' : resolve(configFile));
  for (const setting of settingsOf(server)) words.push('-o', setting);
  if (port !== null) words.push('-p', String(port));
  if (user !== null) words.push('-l', user);
  // ssh knows whose home `~` is.
  for (const file of identityFiles) words.push('-i', /^~(?=$|\/)/.test(file) ? file : resolve(file));
  return words.map((word) => quoted(word)).join(' ');
}

/** For rsync, which splits at blanks itself: there are no backslashes, and a quote within quotes is doubled (rsync(1), `-e`). */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "''")}'`;
}

/**
 * The folder on the server as an argument of rsync; its contents are meant.
 * @throws `configuration` for a path that rsync would read as something else
 */
export function remoteFolder({ host, path, label }: RsyncServer): string {
  // The rsync over there expands these itself, and takes `..` by its text where SFTP follows links.
  if (/[*?[]|(?:^|\/)\.\.(?:\/|$)/.test(path)) {
    throw new TowlineError('configuration', `rsync would not take the path of ${label} as it is written`, {
      path,
      hint: "Leave out --transport rsync, or write a path without '*', '?', '[' and '..'",
    });
  }
  const address = host.includes(':') ? `[${host}]` : host;
  // Relative ones begin with a dot, so that none begins with a dash or a colon.
  const folder = path.startsWith('/') ? path.replace(/^\/+/, '/') : `./${path}`;
  return `${address}:${folder.replace(/\/+$/, '')}/`;
}
