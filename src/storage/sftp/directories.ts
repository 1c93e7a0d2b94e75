/**
 * Keeps requests inside the tree. A server follows symlinks in every component but the last, so a directory that was
 * swapped for a link would lead out of the root. Before something is opened, made or removed in a directory, the whole
 * chain above it is looked at, in one flight, unless that was done a moment ago: the price is a round trip per directory
 * and not per file. Against somebody who swaps directories within that moment SFTP offers no defence.
 */
import type { TowlineError } from '../../core/errors.js';
import { ancestorsOf, isBelow, parentOf } from '../../core/path.js';
import type { Clock } from '../../ports.js';
import type { SftpChannel } from '../../ssh/channel.js';
import { kindOf } from './attributes.js';
import { concernsLink, failureOf, refusal } from './failures.js';
import type { RootedPaths } from './paths.js';

/** How long a directory counts as looked at. */
const freshMs = 2000;
/** Directories remembered, at most; beyond it all are forgotten and looked at again. */
const rememberedMax = 20_000;

/** Knows which directories of the tree were real directories a moment ago. */
export class DirectoryGuard {
  readonly #paths: RootedPaths;
  readonly #clock: Clock;
  readonly #host: string;
  readonly #seenMs = new Map<string, number>();
  readonly #looking = new Map<string, Promise<void>>();

  constructor(paths: RootedPaths, clock: Clock, host: string) {
    this.#paths = paths;
    this.#clock = clock;
    this.#host = host;
  }

  /**
   * Resolves when the directory that holds `path`, and all above it, are directories.
   * @throws `not-found` when one is missing, `changed` when one is something else (a link, a file), `network`, and what
   * looking at them failed with
   */
  async confirmParent(channel: SftpChannel, path: string): Promise<void> {
    const parent = parentOf(path);
    if (parent !== null) await this.confirm(channel, parent);
  }

  /** The same for the directory itself; the root needs no look. */
  async confirm(channel: SftpChannel, directory: string): Promise<void> {
    if (directory === '' || this.#isFresh(directory)) return;
    const underWay = this.#looking.get(directory);
    if (underWay !== undefined) return underWay;
    const look = this.#look(channel, directory).finally(() => this.#looking.delete(directory));
    this.#looking.set(directory, look);
    return look;
  }

  /** This path was seen (or made) as a directory whose parents are directories too. */
  remember(directory: string): void {
    if (this.#seenMs.size >= rememberedMax) this.#seenMs.clear();
    this.#seenMs.set(directory, this.#clock.now());
  }

  /** This path is no directory any more, or may not be. */
  forget(directory: string): void {
    this.#seenMs.delete(directory);
  }

  /** The same for it and all below it. */
  forgetBelow(directory: string): void {
    for (const seen of this.#seenMs.keys())
      if (seen === directory || isBelow(seen, directory)) this.#seenMs.delete(seen);
  }

  #isFresh(directory: string): boolean {
    const seenMs = this.#seenMs.get(directory);
    return seenMs !== undefined && Math.abs(this.#clock.now() - seenMs) < freshMs;
  }

  async #look(channel: SftpChannel, directory: string): Promise<void> {
    const chain = [...ancestorsOf(directory), directory].filter((above) => !this.#isFresh(above));
    const problems = await Promise.all(chain.map((above) => this.#problemOf(channel, above)));
    // The outermost problem is the cause of those below it; but a lost link says nothing about any of them.
    const problem = problems.find(concernsLink) ?? problems.find((one) => one !== null);
    if (problem) throw problem;
    for (const above of chain) this.remember(above);
  }

  async #problemOf(channel: SftpChannel, directory: string): Promise<TowlineError | null> {
    const attempt = { action: 'use the directory', path: this.#paths.below(directory), host: this.#host };
    try {
      const kind = kindOf(await channel.lstat(attempt.path));
      return kind === 'directory' ? null : refusal(attempt, 'changed', `it is not a directory (${kind})`);
    } catch (error) {
      return failureOf(attempt, error);
    }
  }
}
