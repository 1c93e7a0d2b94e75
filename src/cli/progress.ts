/** Live lines at the bottom of a terminal while the first sync goes on; nothing at all elsewhere. */
import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import type { AgentEvent, RunHooks } from '../index.js';
import type { CliContext, Output } from './context.js';
import type { OutputFlags } from './options.js';
import { progressLines } from './progress-lines.js';
import { ProgressNumbers } from './progress-numbers.js';
import { promptsWithRoom } from './prompt.js';
import { styleFor } from './text.js';

const tickMs = 200;
/** Numbers that change faster cannot be read. */
const ticksPerSample = 4;
/** What is done by then needs no progress. */
const quietMs = 400;

type Listener = (event: AgentEvent) => void;

export interface Progress {
  /** The context given, whose outputs keep clear of the live lines: write through it while they are there. */
  readonly context: CliContext;
  /** Lets the live lines know what happens, then `next`. With `-v` folders take the place of single files. */
  listener(next: Listener): Listener;
  /** Keeps the live lines away while `work` goes on. */
  room<T>(work: () => Promise<T>): Promise<T>;
  /** Takes the live lines away; they do not come back. */
  end(): void;
}

/**
 * Begins to show progress, if `context` has a terminal that somebody looks at, until the first sync is done.
 * @param every calls back every so many ms, until the returned function is called; default: by this machine's clock
 */
export async function startProgress(
  context: CliContext,
  flags: OutputFlags,
  every = onTimer,
): Promise<Progress> {
  const wanted = context.stdout.isTTY && context.env.TERM !== 'dumb' && !flags.json && !flags.quiet;
  if (!wanted) return { context, listener: (next) => next, room: (work) => work(), end: () => undefined };
  // Only who looks at it loads it.
  const { createLogUpdate } = await import('log-update');
  const terminal = new TerminalStream(context.stdout);
  const live = new LiveLines(
    context,
    terminal,
    createLogUpdate(terminal, { showCursor: true }),
    flags.verbose > 0,
  );
  const cancel = every(tickMs, () => live.tick());
  const end = () => {
    cancel();
    live.end();
  };
  return {
    context: { ...context, stdout: live.above(context.stdout), stderr: live.above(context.stderr) },
    listener: (next) => (event) => {
      if (live.ended) {
        next(event);
        return;
      }
      live.note(event);
      if (isLast(event)) end();
      if (flags.verbose !== 1 || event.type !== 'transfer-end') next(event);
    },
    room: (work) => live.room(work),
    end,
  };
}

/** The person at the terminal, for the library; while a question stands there the live lines keep away. */
export function promptHooks({ prompts }: CliContext, progress: Progress): Pick<RunHooks, 'prompts'> {
  return prompts === undefined ? {} : { prompts: promptsWithRoom(prompts, (work) => progress.room(work)) };
}

/** A plan is its own account, line by line. */
function isLast(event: AgentEvent): boolean {
  return event.type === 'planned' || (event.type === 'batch' && event.summary.cause === 'scan');
}

function onTimer(ms: number, callback: () => void): () => void {
  const timer = setInterval(callback, ms);
  timer.unref();
  return () => clearInterval(timer);
}

/** log-update's part: it writes lines, and moves up to write them anew. */
interface LogUpdate {
  (text: string): void;
  clear(): void;
  done(): void;
}

class LiveLines {
  ended = false;
  readonly #context: CliContext;
  readonly #terminal: TerminalStream;
  readonly #update: LogUpdate;
  readonly #folders: boolean;
  readonly #numbers = new ProgressNumbers();
  readonly #startedMs: number;
  #ticks = 0;
  /** How much goes on that wants the terminal for itself. */
  #held = 0;
  /** Lengths of the lines on the screen, and the width they were written for. */
  #shown: { readonly lengths: readonly number[]; readonly columns: number } | null = null;

  constructor(context: CliContext, terminal: TerminalStream, update: LogUpdate, folders: boolean) {
    this.#context = context;
    this.#terminal = terminal;
    this.#update = update;
    this.#folders = folders;
    this.#startedMs = context.now().getTime();
  }

  note(event: AgentEvent): void {
    this.#numbers.note(event, this.#context.now().getTime());
  }

  tick(): void {
    const nowMs = this.#context.now().getTime();
    if (this.#ticks++ % ticksPerSample === 0) this.#numbers.sample(nowMs);
    if (this.ended || this.#held > 0 || nowMs - this.#startedMs < quietMs) return;
    const { columns } = this.#terminal;
    if (this.#shown !== null && columns < this.#shown.columns) this.#clear();
    const style = styleFor(this.#context.stdout, this.#context.env);
    const lines = progressLines(this.#numbers, columns, style, this.#folders);
    this.#update(lines.join('\n'));
    this.#shown = { lengths: lines.map((line) => stripVTControlCharacters(line).length), columns };
  }

  end(): void {
    this.#clear();
    this.ended = true;
  }

  async room<T>(work: () => Promise<T>): Promise<T> {
    this.#clear();
    this.#held++;
    try {
      return await work();
    } finally {
      this.#held--;
    }
  }

  /** An output on the same terminal, whose text goes above the live lines. They are back with the next tick. */
  above(output: Output): Output {
    if (!output.isTTY) return output;
    return {
      isTTY: true,
      columns: () => output.columns(),
      write: (text) => {
        this.#clear();
        return output.write(text);
      },
    };
  }

  /** Removes them. A terminal that became narrower broke them into more lines than were written. */
  #clear(): void {
    if (this.#shown === null) return;
    const { lengths, columns } = this.#shown;
    const now = this.#terminal.columns;
    this.#shown = null;
    if (now >= columns) {
      this.#update.clear();
      return;
    }
    const rows = lengths.reduce((sum, length) => sum + Math.max(1, Math.ceil(length / now)), 0);
    this.#terminal.write(`\x1b[${String(rows)}A\r\x1b[J`);
    this.#update.done();
  }
}

/** An output as the library wants it. */
class TerminalStream extends Writable {
  readonly isTTY = true;
  readonly #output: Output;

  constructor(output: Output) {
    super({ decodeStrings: false });
    this.#output = output;
  }

  /** Asked for each time: windows are resized. */
  get columns(): number {
    return this.#output.columns();
  }

  override _write(text: string | Buffer, _encoding: string, callback: () => void): void {
    this.#output.write(String(text));
    callback();
  }
}
