/** Hashes of the files of one side, asked for one by one and answered in groups. */
import type { Side } from '../core/entry.js';
import { asTowlineError } from '../core/errors.js';
import type { Storage } from '../ports.js';
import { Question } from './question.js';

/** Files of one command on the server, at most, and the bytes they hold together (one file may hold more). */
const groupFilesMax = 256;
const groupBytesMax = 256 * 2 ** 20;
/** Commands at once: each has a channel, and servers allow ten. */
const commandsMax = 2;
/** A command takes longer than reading so few files of this size. */
const smallBytesMax = 256 * 2 ** 10;
const fewFiles = 16;
/** Reading: files at once, and bytes of theirs; one counts for so many at most, which makes four large ones. */
const readsMax = 128;
const readBytesMax = 16 * 2 ** 20;
const countedBytesMax = 4 * 2 ** 20;

type Hashing = Pick<Storage, 'hash' | 'hashInPlace'>;

export type SideHashes = Readonly<Record<Side, GatheredHashes>>;

/** The hashes of two sides: what is on our own machine is read. */
export function hashesOf({ local, remote }: Readonly<Record<Side, Hashing>>): SideHashes {
  return {
    local: new GatheredHashes(local, { inPlace: false }),
    remote: new GatheredHashes(remote, { inPlace: true }),
  };
}

export interface HashRequest {
  /** Bytes it holds, as far as known. Unknown: it is worth a command. */
  readonly size?: number;
  /** Ends the wait; the work goes on for the others of its group. */
  readonly signal: AbortSignal;
}

/**
 * SHA-256 of many files of one side. Where it can hash by itself (`Storage.hashInPlace`), what is asked for while a command
 * runs there is the next one; a few small files, and all where it cannot, are read, a bounded number at once.
 */
export class GatheredHashes {
  readonly #storage: Hashing;
  readonly #inPlace: boolean;
  #waiting: Question[] = [];
  /** Those that no command answered. */
  #unread: Question[] = [];
  #commands = 0;
  #reads = 0;
  #readBytes = 0;
  #woken = false;

  /** @param inPlace false where the contents are here anyway: they are read */
  constructor(storage: Hashing, { inPlace }: { readonly inPlace: boolean }) {
    this.#storage = storage;
    this.#inPlace = inPlace;
  }

  /**
   * SHA-256 of a file, hex.
   * @throws as `Storage.hash`; the signal's reason
   */
  of(path: string, { size, signal }: HashRequest): Promise<string> {
    const question = new Question(path, size, signal);
    if (this.#inPlace) this.#waiting.push(question);
    else this.#unread.push(question);
    this.#wake();
    return question.answer;
  }

  #wake(): void {
    if (this.#woken) return;
    this.#woken = true;
    // Whatever else is asked for in this turn comes along.
    void Promise.resolve().then(() => {
      this.#woken = false;
      this.#begin();
    });
  }

  #begin(): void {
    this.#waiting = this.#waiting.filter(({ over }) => !over);
    while (this.#commands < commandsMax && this.#isWorthACommand()) void this.#run(this.#takeGroup());
    // Where so few are read already, or a command is under way, they wait for it, and for others to come.
    const few = this.#commands > 0 ? 0 : fewFiles - this.#reads - this.#unread.length;
    this.#unread.push(...this.#waiting.splice(0, Math.max(0, few)));
    this.#read();
  }

  #isWorthACommand(): boolean {
    return this.#waiting.length >= fewFiles || this.#waiting.some((question) => !isSmall(question));
  }

  #takeGroup(): Question[] {
    let files = 0;
    let bytes = 0;
    for (const { size = 0 } of this.#waiting) {
      bytes += size;
      if (files === groupFilesMax || (files > 0 && bytes > groupBytesMax)) break;
      files++;
    }
    return this.#waiting.splice(0, files);
  }

  /** Never rejects: each gets its own answer. */
  async #run(group: readonly Question[]): Promise<void> {
    this.#commands++;
    const given = new AbortController();
    for (const question of group) {
      question.onGivenUp = () => {
        if (group.every(({ over }) => over)) given.abort(question.signal.reason);
      };
    }
    try {
      const files = group.map(({ path }) => ({ path }));
      const hashes = await this.#storage.hashInPlace(files, given.signal);
      group.forEach((question, index) => {
        const hash = hashes?.[index] ?? null;
        if (hash === null) this.#unread.push(question);
        else question.settle(hash);
      });
    } catch (error) {
      const reason = asTowlineError(error);
      for (const question of group) question.fail(reason);
    }
    this.#commands--;
    this.#wake();
  }

  #read(): void {
    while (this.#unread.length > 0) {
      const question = this.#unread[0]!;
      const bytes = Math.min(question.size ?? countedBytesMax, countedBytesMax);
      const full = this.#reads >= readsMax || this.#readBytes + bytes > readBytesMax;
      if (!question.over && full && this.#reads > 0) return;
      this.#unread.shift();
      if (!question.over) void this.#readOne(question, bytes);
    }
  }

  async #readOne(question: Question, bytes: number): Promise<void> {
    this.#reads++;
    this.#readBytes += bytes;
    try {
      question.settle(await this.#storage.hash(question.path, question.signal));
    } catch (error) {
      question.fail(error);
    }
    this.#reads--;
    this.#readBytes -= bytes;
    this.#wake();
  }
}

function isSmall({ size }: Question): boolean {
  return size !== undefined && size <= smallBytesMax;
}
