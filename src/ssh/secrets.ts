import type { ParsedKey } from 'ssh2';
import type { Prompts } from './prompts.js';
import { passphraseSource, passwordSource, type SecretOptions, type SecretSource } from './secret-sources.js';

/**
 * What we know to prove who we are, for all connections to one host: secrets from their configured sources, a person who
 * can be asked until the first connection stands, and what that person answered. In memory only.
 */
export class Secrets {
  readonly password: SecretSource | null;
  readonly passphrase: SecretSource | null;
  /** Private keys whose passphrase was found, by path: finding it takes a second of computing. */
  readonly unlocked: Map<string, ParsedKey>;
  /** Answers that a server accepted, by question: for later connections, when nobody is there to be asked. */
  readonly answers = new Map<string, string>();
  /** A configured password is for the target alone. */
  readonly ofJumpHost: boolean;
  readonly #prompts: Prompts | null;
  readonly #pending = new Map<string, Promise<string>>();
  #settled = false;
  #reading = 0;

  constructor(
    password: SecretSource | null,
    passphrase: SecretSource | null,
    prompts: Prompts | null,
    target: Secrets | null = null,
  ) {
    this.password = password;
    this.passphrase = passphrase;
    this.#prompts = prompts;
    this.ofJumpHost = target !== null;
    this.unlocked = target?.unlocked ?? new Map<string, ParsedKey>();
  }

  /**
   * What may be used with a host on the way: keys and passphrases, and a person who answers. It is not given the password: its
   * owner need not be the target's.
   */
  forJumpHost(): Secrets {
    return new Secrets(null, this.passphrase, this.#prompts, this);
  }

  /** As once a connection stands. */
  askNobody(): void {
    this.#settled = true;
  }

  /** Somebody to ask, or `null`. */
  get prompts(): Prompts | null {
    return this.#settled ? null : this.#prompts;
  }

  /** Whether somebody is waited for: a person, or a command that may be asking one. */
  get asking(): boolean {
    return this.#pending.size > 0 || this.#reading > 0;
  }

  /** @throws TowlineError `configuration` */
  async read(source: SecretSource): Promise<string> {
    this.#reading++;
    try {
      return await source.read();
    } finally {
      this.#reading--;
    }
  }

  /** Asks the person. While a question waits for its answer it is not asked again by the next connection. */
  ask(question: string, hidden: boolean, prompts: Prompts): Promise<string> {
    const pending = this.#pending.get(question);
    if (pending !== undefined) return pending;
    const asked = (hidden ? prompts.secret(question) : prompts.answer(question)).finally(() =>
      this.#pending.delete(question),
    );
    this.#pending.set(question, asked);
    return asked;
  }

  /** A connection stands: from now on nobody is asked any more. */
  settle(answers: ReadonlyMap<string, string>): void {
    this.#settled = true;
    for (const [question, answer] of answers) this.answers.set(question, answer);
  }
}

/**
 * Opens the sources of secrets.
 * @throws TowlineError `configuration` for a file that is missing, empty or not private
 */
export async function openSecrets(
  options: SecretOptions,
  env: Readonly<Record<string, string | undefined>>,
  prompts: Prompts | null,
): Promise<Secrets> {
  return new Secrets(await passwordSource(options, env), await passphraseSource(options, env), prompts);
}
