/** A storage by itself: what `sync` works on, opened by the name of a remote. */
import { checkCall } from '../config/check-call.js';
import { checkOptions, requireObject } from '../config/check-options.js';
import { refuseTwoPasswords } from '../config/resolve.js';
import { silence } from '../core/silence.js';
import type { Link, Log, Storage } from '../ports.js';
import { resolveRemote } from '../remote.js';
import { attemptsOnce, type Remote } from '../remote/contract.js';
import type { Prompts } from '../ssh/prompts.js';
import type { SecretOptions } from '../ssh/secret-sources.js';
import type { OneOrMore } from './sync-options.js';

/** How to connect. */
export interface ConnectOptions extends SecretOptions {
  /** Of the SSH server. */
  readonly port?: number;
  /** Private keys to log in with, most preferred first. */
  readonly identityFiles?: OneOrMore<string>;
  /** Another ssh_config. */
  readonly sshConfig?: string;
  /** Add an unknown host's key to known_hosts instead of refusing. */
  readonly acceptNew?: boolean;
  /** Somebody who can be asked for passwords and about an unknown host. Default: nobody. */
  readonly prompts?: Prompts;
  /** Default: silence. */
  readonly log?: Log;
  /** Default: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
}

/** The names of `ConnectOptions`. */
export const connectKeys: readonly (keyof ConnectOptions)[] = [
  'port',
  'identityFiles',
  'sshConfig',
  'acceptNew',
  'passwordFile',
  'passwordCommand',
  'passphraseFile',
  'prompts',
  'log',
  'env',
  'signal',
];

/** A storage that was opened. */
export interface OpenedStorage extends AsyncDisposable {
  /** Everything in it is relative to the directory that was named. */
  readonly storage: Storage;
  /** For people: `dev@box:/srv/app`. */
  readonly label: string;
  /**
   * A lost connection comes back by itself: what was cut off with `network` may be tried again when it is `ready`. It is
   * given up (`halted`) after three attempts in a row that failed.
   */
  readonly connection: Omit<Link, 'close'>;
  /** Ends the connection. */
  close(): Promise<void>;
}

/**
 * Opens `[user@]host:path`, `http[s]://[user@]host/path` or a folder of this machine as a storage; resolves when the link
 * is ready. Nothing is made there: see `Storage.ensureRoot`.
 * @throws `configuration`, `unsupported`, `authentication`, `host-key`, `network`, `interrupted`
 */
export async function openStorage(target: string, options: ConnectOptions = {}): Promise<OpenedStorage> {
  requireObject(options);
  checkOptions({ ...options, remote: target }, ['remote', ...connectKeys], ['remote']);
  checkCall({ signal: options.signal }, { signal: 'signal' });
  const remote = await remoteOf(target, options);
  const opened = remote.open({ log: options.log ?? silence, giveUpAfter: attemptsOnce, mayWrite: true });
  const { storage, link } = opened;
  const close = () => opened.close();
  try {
    await link.ready(options.signal);
  } catch (error) {
    await close();
    throw error;
  }
  return { storage, label: storage.label, connection: link, close, [Symbol.asyncDispose]: close };
}

/**
 * What the name of a remote stands for.
 * @throws `configuration`, `unsupported`
 */
export async function remoteOf(target: string, options: ConnectOptions): Promise<Remote> {
  refuseTwoPasswords(options);
  const { env = process.env, prompts, identityFiles, ...others } = options;
  const lists = identityFiles === undefined ? {} : { identityFiles: [identityFiles].flat() };
  return resolveRemote({ ...others, ...lists, remote: target }, null, env, prompts);
}
