/** What all parts of the storage share. */
import type { Capabilities, Clock } from '../../ports.js';
import type { SftpChannel, SftpSession } from '../../ssh/channel.js';
import { capabilitiesOf } from './capabilities.js';
import { DirectoryGuard } from './directories.js';
import type { Attempt } from './failures.js';
import { RootedPaths } from './paths.js';

/** One storage's session, root and memory. */
export class SftpContext {
  readonly paths: RootedPaths;
  readonly clock: Clock;
  /** The server's clock minus ours, ms; who makes the context puts the one in that measures. */
  clockOffset: { get(): Promise<number> } = { get: () => Promise.resolve(0) };
  readonly directories: DirectoryGuard;
  readonly #session: SftpSession;
  #capabilities: Capabilities = capabilitiesOf(new Map());
  #extensions: ReadonlyMap<string, string> | null = null;

  constructor(session: SftpSession, root: string, clock: Clock) {
    this.#session = session;
    this.paths = new RootedPaths(root);
    this.clock = clock;
    this.directories = new DirectoryGuard(this.paths, clock, session.label);
  }

  /** By the extensions of the newest channel; before the first one the least that any server can do. */
  get capabilities(): Capabilities {
    return this.#capabilities;
  }

  /** The channel for this purpose; rejects with `network` while there is no connection. */
  async channel(purpose: 'transfer' | 'scan'): Promise<SftpChannel> {
    const channel = await this.#session.channel(purpose);
    if (channel.extensions !== this.#extensions) {
      this.#extensions = channel.extensions;
      this.#capabilities = capabilitiesOf(channel.extensions);
    }
    return channel;
  }

  /** `[user@]host` for people. */
  get host(): string {
    return this.#session.label;
  }

  /** The words for a failure of `action` at this server path. */
  attempt(action: string, serverPath: string): Attempt {
    return { action, path: serverPath, host: this.host };
  }
}
