/** Questions to the person at the terminal. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { Writable } from 'node:stream';
import { TowlineError } from '../core/errors.js';
import type { Prompts } from '../index.js';
import type { Output } from './context.js';

/**
 * Asks on a terminal, one question after the other. Ctrl-C rejects with `interrupted`.
 * @param input the terminal's keys
 * @param output where questions are shown
 */
export function terminalPrompts(input: Readable, output: Output): Prompts {
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = (question: string, echo: boolean) => {
    const answer = last.then(() => ask(input, output, question, echo));
    // The next one waits for this one, however it ends.
    last = answer.catch(() => undefined);
    return answer;
  };
  return {
    secret: (question) => inTurn(question, false),
    answer: (question) => inTurn(question, true),
  };
}

/**
 * readline's line editor, which switches the terminal's own echo off: before the question is shown, so that nothing that is
 * typed in haste appears. What it wants to show, it shows only for answers that may be seen.
 */
function ask(input: Readable, output: Output, question: string, echo: boolean): Promise<string> {
  const cut = question.lastIndexOf('\n') + 1;
  const [above, line] = [question.slice(0, cut), question.slice(cut)];
  let open = true;
  const screen = new Writable({
    decodeStrings: false,
    write: (text: string | Buffer, _encoding, done) => {
      if (echo && open) output.write(String(text));
      done();
    },
  });
  const reader = createInterface({ input, output: screen, terminal: true, historySize: 0, prompt: line });
  output.write(echo ? above : question);
  return new Promise((resolve, reject) => {
    const end = (settle: () => void) => {
      if (!open) return;
      open = false;
      reader.close();
      settle();
    };
    const giveUp = () => {
      if (open) output.write('\n');
      end(() => reject(new TowlineError('interrupted', 'interrupted')));
    };
    reader.on('line', (text) => {
      if (open && !echo) output.write('\n');
      end(() => resolve(text));
    });
    reader.on('SIGINT', giveUp);
    // Ctrl-D, or the terminal is gone.
    reader.on('close', giveUp);
    reader.prompt();
  });
}

/**
 * The same prompts while something else is on the terminal: it makes room for each question.
 * @param room runs something while nothing else is shown
 */
export function promptsWithRoom(prompts: Prompts, room: <T>(work: () => Promise<T>) => Promise<T>): Prompts {
  return {
    secret: (question) => room(() => prompts.secret(question)),
    answer: (question) => room(() => prompts.answer(question)),
  };
}

/**
 * Prompts for a command that runs again and again: the person is asked in the first run, and later ones are given the same
 * secrets, each once.
 */
export class PromptsOfFirstRun implements Prompts {
  readonly #prompts: Prompts;
  readonly #secrets = new Map<string, string>();
  readonly #used = new Set<string>();
  #first = true;

  constructor(prompts: Prompts) {
    this.#prompts = prompts;
  }

  /** To be called after each run. */
  next(): void {
    this.#first = false;
    this.#used.clear();
  }

  async secret(question: string): Promise<string> {
    // What stands above says that the answer before was wrong.
    const key = question.slice(question.lastIndexOf('\n') + 1);
    if (this.#first) {
      const typed = await this.#prompts.secret(question);
      this.#secrets.set(key, typed);
      return typed;
    }
    const known = this.#secrets.get(key);
    if (known === undefined || this.#used.has(key)) throw tooLate();
    this.#used.add(key);
    return known;
  }

  /** Never given twice: another host may be asking. */
  async answer(question: string): Promise<string> {
    if (!this.#first) throw tooLate();
    return await this.#prompts.answer(question);
  }
}

function tooLate(): TowlineError {
  return new TowlineError('authentication', 'the server asks something that was not asked in the first run', {
    hint: 'Start the command again, to answer',
  });
}
