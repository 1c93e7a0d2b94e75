import type { AnyAuthMethod, KeyboardInteractiveCallback, Prompt } from 'ssh2';
import type { ResolvedHost } from './config.js';
import type { LoginState } from './login-state.js';
import { printableText, type Prompts } from './prompts.js';
import type { Secrets } from './secrets.js';

/** Under what the password itself is remembered; other answers under the server's question. */
const passwordKey = 'password';

/**
 * The attempts by password and by keyboard-interactive on one connection. A configured or remembered password is sent
 * once; a person is asked a few times.
 */
export class PasswordAttempts {
  /** What was tried, as messages say it. */
  readonly tried: string[] = [];
  /** Questions of the server that nobody could answer. */
  readonly unanswered: string[] = [];
  /** What the person typed last, by question. */
  readonly typed = new Map<string, string>();
  readonly #resolved: ResolvedHost;
  readonly #secrets: Secrets;
  readonly #state: LoginState;
  readonly #sent = new Set<string>();
  readonly #who: string;
  /** Attempts in which a person was asked something. */
  #rounds = 0;
  /** The methods by which a person was asked: asked once more, the person was refused. */
  readonly #askedBy = new Set<string>();
  /** A server without questions of its own refuses at once: it would do so for ever. */
  #interactiveOver = false;

  constructor(resolved: ResolvedHost, secrets: Secrets, state: LoginState) {
    this.#resolved = resolved;
    this.#secrets = secrets;
    this.#state = state;
    this.#who = `${resolved.user}@${resolved.alias}`;
  }

  /** Whether there is anything to try at all. */
  get possible(): boolean {
    return this.#hasUnsent() || this.#person() !== null;
  }

  /** By questions of the server. `null`: there is nothing (more) to answer with. */
  interactive(): AnyAuthMethod | null {
    if (!this.#resolved.kbdInteractiveAuthentication || this.#interactiveOver || !this.possible) return null;
    this.#interactiveOver = true;
    const round: Round = { person: this.#person(), asked: false, from: [] };
    const prompt = (
      name: string,
      instructions: string,
      _language: string,
      questions: Prompt[],
      finish: KeyboardInteractiveCallback,
    ) => {
      if (round.from.length === 0) this.tried.push('keyboard-interactive');
      const give = (answers: string[]) => this.#state.answer(() => finish(answers));
      void this.#answers([name, instructions], questions, round).then(give, (error: unknown) => {
        this.#state.breakOff(error);
        // No answers at all: the server ends it.
        give([]);
      });
    };
    return { type: 'keyboard-interactive', username: this.#resolved.user, prompt };
  }

  /** By password. `null`: there is none (left). */
  async password(): Promise<AnyAuthMethod | null> {
    if (!this.#resolved.passwordAuthentication) return null;
    const { password: source, answers } = this.#secrets;
    const method = (password: string): AnyAuthMethod => {
      return { type: 'password', username: this.#resolved.user, password };
    };
    const remembered = answers.get(passwordKey);
    if (source !== null || remembered !== undefined) {
      if (this.#sent.has(passwordKey)) return null;
      this.#sent.add(passwordKey);
      this.tried.push(`password (${source === null ? 'as typed before' : `from ${source.name}`})`);
      return method(source === null ? (remembered ?? '') : await this.#secrets.read(source));
    }
    const person = this.#person();
    if (person === null) return null;
    this.#rounds++;
    const again = this.#again('password');
    const typed = await this.#secrets.ask(`${again}${this.#who}'s password: `, true, person);
    this.typed.set(passwordKey, typed);
    this.tried.push('password (typed)');
    return method(typed);
  }

  async #answers(heading: readonly string[], questions: readonly Prompt[], round: Round): Promise<string[]> {
    const answers: string[] = [];
    let head = heading.map(printableText).filter((text) => text !== '');
    for (const { prompt, echo = false } of questions) {
      const { text, from } = await this.#answer(printableText(prompt), head, echo, round);
      answers.push(text);
      if (!round.from.includes(from)) round.from.push(from);
      this.tried[this.tried.length - 1] = `keyboard-interactive (${round.from.join(', ')})`;
      head = [];
    }
    return answers;
  }

  /** The password answers the first hidden question; what it is about cannot be told from its text. */
  async #answer(
    question: string,
    head: readonly string[],
    echo: boolean,
    round: Round,
  ): Promise<{ text: string; from: string }> {
    const { password: source, answers } = this.#secrets;
    const key = `question ${question}`;
    const remembered = answers.get(key);
    if (remembered !== undefined && !this.#sent.has(key)) {
      this.#sent.add(key);
      return { text: remembered, from: 'as typed before' };
    }
    if (source !== null && !echo && !this.#sent.has(passwordKey)) {
      this.#sent.add(passwordKey);
      return { text: await this.#secrets.read(source), from: `the password from ${source.name}` };
    }
    const { person } = round;
    if (person === null) {
      this.unanswered.push(question);
      return { text: '', from: 'with no answer to its question' };
    }
    const again = round.asked ? '' : this.#again('keyboard-interactive');
    if (!round.asked) this.#rounds++;
    round.asked = true;
    // A person may try again.
    this.#interactiveOver = false;
    const full = [...head, `(${this.#who}) ${question} `].join('\n');
    const typed = await this.#secrets.ask(`${again}${full}`, !echo, person);
    this.typed.set(key, typed);
    return { text: typed, from: 'typed' };
  }

  #hasUnsent(): boolean {
    const { password: source, answers } = this.#secrets;
    if (source !== null && !this.#sent.has(passwordKey)) return true;
    return [...answers.keys()].some((key) => !this.#sent.has(key));
  }

  /** Somebody who may still be asked. */
  #person(): Prompts | null {
    return this.#rounds < this.#resolved.numberOfPasswordPrompts ? this.#secrets.prompts : null;
  }

  #again(method: string): string {
    if (this.#askedBy.has(method)) return 'Permission denied, please try again.\n';
    this.#askedBy.add(method);
    return '';
  }
}

/** One attempt by questions of the server; it may ask several times. */
interface Round {
  readonly person: Prompts | null;
  asked: boolean;
  /** Where answers came from, as messages say it. */
  readonly from: string[];
}
