import { hasCode } from '../../core/errors.js';
import type { Handle, SftpChannel, SftpSession } from '../../ssh/channel.js';

/**
 * Files that we make for a moment, under names that nobody can know, to see what the server makes of them. What a lost link
 * leaves of them is removed over the next one.
 */
export class MomentaryFiles {
  readonly #session: SftpSession;
  readonly #left = new Set<string>();

  constructor(session: SftpSession) {
    this.#session = session;
  }

  /** Makes one that is empty and ours alone. Rejections as of `SftpChannel`. */
  async create(channel: SftpChannel, path: string): Promise<Handle> {
    try {
      return await channel.createExclusive(path, 0o600);
    } catch (error) {
      // The answer was lost, and perhaps nothing but the answer.
      if (isLost(error)) this.#left.add(path);
      throw error;
    }
  }

  /** Resolves when it is not there any more. Rejections as of `SftpChannel`. */
  async remove(channel: SftpChannel, path: string): Promise<void> {
    try {
      await channel.removeFile(path);
    } catch (error) {
      if (isLost(error)) this.#left.add(path);
      if (!hasCode(error, 'not-found')) throw error;
    }
  }

  /** Removes what lost links left. Never rejects: what is still there waits for the next call. */
  async sweep(): Promise<void> {
    const left = [...this.#left];
    this.#left.clear();
    await Promise.allSettled(
      left.map(async (path) => {
        try {
          await this.remove(await this.#session.channel('transfer'), path);
        } catch (error) {
          this.#left.add(path);
          throw error;
        }
      }),
    );
  }
}

function isLost(error: unknown): boolean {
  return hasCode(error, 'network', 'interrupted');
}
