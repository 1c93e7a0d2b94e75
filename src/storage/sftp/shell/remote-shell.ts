/** A shell on the server that was shown to see the same directory as SFTP (see probe.ts). Everything it offers has a way without it. */
import { hasCode, TowlineError } from '../../../core/errors.js';
import type { Clock } from '../../../ports.js';
import type { CommandStream, StreamRun } from '../../../ports-stream.js';
import type { SftpSession, StreamSession } from '../../../ssh/channel.js';
import { momentaryName } from '../../momentary-name.js';
import { MomentaryFiles } from '../momentary-files.js';
import { RootedPaths } from '../paths.js';
import { probe, probeByLooking, type ProbeParts, type ShellTools } from './probe.js';
import type { Tool } from './tools.js';

export interface RemoteShellOptions {
  readonly session: SftpSession;
  readonly commands: StreamSession;
  /** As the storage's: absolute, or relative to the directory the login starts in. */
  readonly root: string;
  readonly clock: Clock;
  /** Who sees to what lost links left of our looking. Default: nobody, in this process. */
  readonly momentary?: MomentaryFiles;
  /** Nothing may be written there, not even for a moment. Default: false. */
  readonly onlyLook?: boolean;
}

/** Longer than the removal of a file takes; shorter than what an agent has to end. */
const closeMs = 2_000;

interface Known {
  readonly epoch: number;
  readonly found: Promise<Found | null>;
}

interface Found {
  /** The root, absolute. */
  readonly directory: string;
  readonly tools: ShellTools;
}

/**
 * Asks the server once per connection, at the first use, what its shell can do. A server that gives files only, or whose
 * shell sees another tree (a chroot), is remembered as one without.
 */
export class RemoteShell {
  readonly #options: RemoteShellOptions;
  readonly #paths: RootedPaths;
  readonly #momentary: MomentaryFiles;
  #known: Known | null = null;
  #probeName: string | null = null;
  readonly #ended = new AbortController();

  /** @throws `configuration` when the root cannot be named over SFTP */
  constructor(options: RemoteShellOptions) {
    this.#options = options;
    this.#paths = new RootedPaths(options.root);
    this.#momentary = options.momentary ?? new MomentaryFiles(options.session);
  }

  /**
   * What works there, or `null` where no shell shows the root.
   * @throws `network`: nothing is known yet
   */
  async tools(): Promise<ShellTools | null> {
    return (await this.#look())?.tools ?? null;
  }

  /**
   * Starts `script` by `sh` in the root, with the C locale.
   * @param tool what it needs
   * @throws `unsupported` when that is not there; `network`
   */
  async start(tool: Tool, script: string, run: StreamRun = {}): Promise<CommandStream> {
    const found = await this.#look();
    if (found?.tools[tool] !== true) throw this.#missing(tool);
    const { commands } = this.#options;
    return commands.stream(script, { ...run, directory: found.directory, environment: { LC_ALL: 'C' } });
  }

  /** Whether this is the file that we make in the root for a moment: a scan at that moment does not tell of it. */
  isProbe(name: string): boolean {
    return name === this.#probeName;
  }

  /** Ends a probe that is under way, and waits for its file to be removed; a link that does not answer is not waited for long. */
  async close(): Promise<void> {
    this.#ended.abort(new TowlineError('interrupted', 'the shell is not needed any more'));
    if (this.#known === null) return;
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.timer(closeMs, resolve);
    await Promise.race([Promise.allSettled([this.#known.found]), late]);
    cancel();
  }

  async #look(): Promise<Found | null> {
    const { epoch } = this.#options.commands;
    if (this.#known?.epoch !== epoch) this.#known = { epoch, found: this.#ask() };
    const known = this.#known;
    try {
      return await known.found;
    } catch (error) {
      if (this.#known === known) this.#known = null;
      // No root yet: nothing is known of the shell, and there is nothing for it to do.
      if (hasCode(error, 'not-found')) return null;
      throw error;
    }
  }

  async #ask(): Promise<Found | null> {
    const { session, commands, clock, onlyLook } = this.#options;
    const channel = await session.channel('transfer');
    const { root } = this.#paths;
    const start = root.startsWith('/') ? '' : await channel.realPath('.');
    const directory = root === '.' ? start : start === '' ? root : `${start.replace(/\/$/, '')}/${root}`;
    const { signal } = this.#ended;
    if (signal.aborted) return null;
    const parts = {
      channel,
      commands,
      clock,
      directory,
      paths: this.#paths,
      momentary: this.#momentary,
      signal,
    };
    const tools = await (onlyLook === true ? probeByLooking(parts) : this.#probe(parts));
    return tools === null ? null : { directory, tools };
  }

  #probe(parts: ProbeParts): Promise<ShellTools | null> {
    const name = momentaryName(parts.clock);
    this.#probeName = name;
    return probe(parts, name);
  }

  #missing(tool: Tool): TowlineError {
    const host = this.#options.session.label;
    return new TowlineError('unsupported', `${host} offers no shell with ${tool} in ${this.#paths.root}`, {
      host,
      path: this.#paths.root,
    });
  }
}
