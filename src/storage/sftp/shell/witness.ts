/**
 * Shows, without writing anything, that a shell is in the very directory that SFTP shows as the root. SFTP opens the
 * directory a number of times, and reads in it at some of them, as a random word tells; inotifywait, which the shell runs on
 * its own working directory, must tell of exactly this word. The kernel reports by inode: a copy of the tree, on whatever
 * file system, sees nothing of it. Opening and listing is what a scan does anyway; no entry, no time and no mode changes.
 */
import { hasCode } from '../../../core/errors.js';
import type { SftpChannel } from '../../../ssh/channel.js';
import { answerMs, type LookParts, type ShellParts } from './tools.js';

/** Whom inotifywait told of: `nothing` where it could not watch at all. */
export type Witnessed = 'us' | 'others' | 'nothing';

/** By chance one in 4,096 that others do just this in another directory, just then. */
const wordBits = 12;
/** Others who look into the directory at the same time make a word unreadable. */
const wordsMax = 3;
/** How long after the last answer of SFTP the shell may take to tell of it: both come over one connection. */
const tellMs = 4_000;

/** What inotifywait says on its standard error once it watches. */
const establishedText = 'Watches established';

/**
 * The events are those of the directory itself, for which `%f` is empty: no name in it can hold the slash. Closing is told
 * of too, since the kernel makes one of two equal events that follow each other.
 */
const script = `exec inotifywait -m --format '%e/%f' -e open,access,close_nowrite .`;
const letters = new Map([
  ['OPEN,ISDIR/', 'o'],
  ['ACCESS,ISDIR/', 'r'],
  ['CLOSE_NOWRITE,CLOSE,ISDIR/', 'c'],
]);
const lineBytesMax = 64 * 1024;

/** @throws `network` */
export async function witness(parts: LookParts): Promise<Witnessed> {
  const { clock, channel, paths } = parts;
  const ear = new Ear(parts);
  try {
    if (!(await ear.listening)) return 'nothing';
    for (let words = 0; words < wordsMax; words++) {
      const word = Array.from({ length: wordBits }, () => clock.random() < 0.5);
      await speak(channel, paths.root, word);
      if (await ear.hears(word.map((reads) => (reads ? 'orc' : 'oc')).join(''))) return 'us';
      if (ear.over) return 'nothing';
      if (ear.silence) return 'others';
    }
    return 'others';
  } catch (error) {
    if (hasCode(error, 'network')) throw error;
    // SFTP may not list the directory: nothing was shown.
    return 'nothing';
  } finally {
    await ear.close();
  }
}

/** Opens, reads and closes the directory; one flight for each bit. */
async function speak(channel: SftpChannel, root: string, word: readonly boolean[]): Promise<void> {
  let handle = await channel.openDirectory(root);
  for (const [index, reads] of word.entries()) {
    const isLast = index === word.length - 1;
    const [, , next] = await Promise.all([
      reads ? channel.readDirectory(handle) : null,
      channel.closeHandle(handle),
      isLast ? null : channel.openDirectory(root),
    ]);
    if (next !== null) handle = next;
  }
}

/** What inotifywait tells of the shell's directory, as letters. */
class Ear {
  /** Settles with whether it watches. */
  readonly listening: Promise<boolean>;
  readonly #clock: ShellParts['clock'];
  readonly #stop = new AbortController();
  readonly #begun = Promise.withResolvers<boolean>();
  readonly #ended: Promise<void>;
  readonly #cancel: () => void;
  #said = '';
  #heard = '';
  #over = false;
  #changed: () => void = () => undefined;

  constructor({ commands, clock, directory, signal }: ShellParts) {
    this.#clock = clock;
    this.listening = this.#begun.promise;
    this.#cancel = clock.timer(answerMs, () => this.#begun.resolve(false));
    const stream = commands.stream(script, {
      directory,
      environment: { LC_ALL: 'C' },
      signal: AbortSignal.any([this.#stop.signal, signal]),
      onStderr: (text) => this.#complained(text),
    });
    this.#ended = this.#listen(stream.stdout);
  }

  /** It tells no more. */
  get over(): boolean {
    return this.#over;
  }

  /** It watches, and nobody was in the directory, neither we nor others. */
  get silence(): boolean {
    return this.#heard === '';
  }

  /** Whether it tells of this, in one piece, before it is too late. */
  async hears(text: string): Promise<boolean> {
    const late = Promise.withResolvers<undefined>();
    const cancel = this.#clock.timer(tellMs, () => late.resolve(undefined));
    this.#changed = () => {
      if (this.#over || this.#heard.includes(text)) late.resolve(undefined);
    };
    this.#changed();
    await late.promise;
    cancel();
    return this.#heard.includes(text);
  }

  async close(): Promise<void> {
    this.#cancel();
    this.#stop.abort(new Error('nothing more is to be heard'));
    await this.#ended;
  }

  /** To the end; never rejects: whatever ended it, it tells no more, and a dead link shows itself to SFTP. */
  async #listen(stdout: AsyncIterable<Buffer>): Promise<void> {
    try {
      let rest = '';
      for await (const piece of stdout) {
        const lines = (rest + piece.toString('latin1')).split('\n');
        rest = (lines.pop() ?? '').slice(-lineBytesMax);
        for (const line of lines) this.#hear(letters.get(line));
        this.#changed();
      }
    } catch {
      // Ended by us, refused, or cut off: `over` says so.
    }
    this.#over = true;
    this.#begun.resolve(false);
    this.#changed();
  }

  /** A listing is read in as many parts as it takes. */
  #hear(letter: string | undefined): void {
    if (letter !== undefined && !(letter === 'r' && this.#heard.endsWith('r'))) this.#heard += letter;
  }

  #complained(text: string): void {
    this.#said = (this.#said + text).slice(-lineBytesMax);
    if (this.#said.includes(establishedText)) this.#begun.resolve(true);
  }
}
