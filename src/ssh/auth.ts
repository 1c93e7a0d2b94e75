import type { AnyAuthMethod, AuthenticationType, NextAuthHandler } from 'ssh2';
import type { TowlineError } from '../core/errors.js';
import { authenticationFailure, type LoginAccount } from './auth-failure.js';
import type { ResolvedHost } from './config.js';
import { type KeyAttempt, type KeyPlan, planKeys } from './key-attempts.js';
import type { KeyFile } from './key-file.js';
import { LoginState } from './login-state.js';
import { PasswordAttempts } from './password-attempts.js';
import { Secrets } from './secrets.js';

export interface AuthenticationOptions {
  readonly resolved: ResolvedHost;
  /** As `loadKeyFiles` read them. */
  readonly keyFiles: readonly KeyFile[];
  /** Default: none, and nobody to ask. */
  readonly secrets?: Secrets;
}

/** How ssh2 is told the next method; its types lack `false`, for when there is none left. */
type NextMethod = (method: AnyAuthMethod | false) => void;

/** The attempts to log in on one connection, in ssh's order, and what became of them. */
export interface Authentication {
  /** For ssh2: answers with the next method to try, by `next`. */
  readonly authHandler: (
    left: AuthenticationType[] | null,
    partial: boolean | null,
    next: NextAuthHandler,
  ) => void;
  /** Whether ssh2 asked for a method already: the host key was accepted then. */
  started(): boolean;
  /** Whether somebody is being asked something just now. */
  asking(): boolean;
  /** What ended it from our side, such as a person who gave up; `null`: nothing. */
  broken(): TowlineError | null;
  /** To be called when the connection is over: what is answered later goes nowhere. */
  ended(): void;
  /** To be called when we were let in: what was typed is kept for later connections, and nobody is asked again. */
  accepted(): void;
  /** What was tried and refused, and what to do: `authentication`; or what ended it from our side. */
  failure(details?: { serverText?: string; cause?: unknown }): TowlineError;
}

/** The methods that can be used, in ssh's order. */
const methods = ['publickey', 'keyboard-interactive', 'password'] as const;
type Method = (typeof methods)[number];

/** Prepares the attempts for one connection. */
export async function createAuthentication(options: AuthenticationOptions): Promise<Authentication> {
  const { resolved, keyFiles, secrets = new Secrets(null, null, null) } = options;
  const state = new LoginState();
  const plan = await planKeys({ resolved, keyFiles, secrets, state });
  const login = new Login(resolved, plan, new PasswordAttempts(resolved, secrets, state));
  const nextMethod = async (left: readonly string[] | null, partial: boolean | null) => {
    try {
      const method = await login.next(left, partial);
      return state.broken === null ? method : false;
    } catch (error) {
      state.breakOff(error);
      return false;
    }
  };
  return {
    authHandler: (left, partial, next) => {
      void nextMethod(left, partial).then((method) => state.answer(() => (next as NextMethod)(method)));
    },
    started: () => login.started,
    asking: () => secrets.asking,
    broken: () => state.broken,
    ended: () => state.end(),
    accepted: () => secrets.settle(login.passwords.typed),
    failure: (details = {}) =>
      state.broken ?? authenticationFailure({ ...login.account(), secrets, ...details }),
  };
}

/** The walk through the methods on one connection. */
class Login {
  started = false;
  readonly passwords: PasswordAttempts;
  readonly #resolved: ResolvedHost;
  readonly #plan: KeyPlan;
  readonly #keys: KeyAttempt[] = [];
  #next = 0;
  #offered: readonly string[] | null = null;
  #partial = false;
  /** What is under way. */
  #last: KeyAttempt | null = null;

  constructor(resolved: ResolvedHost, plan: KeyPlan, passwords: PasswordAttempts) {
    this.#resolved = resolved;
    this.#plan = plan;
    this.passwords = passwords;
  }

  account(): LoginAccount {
    return {
      resolved: this.#resolved,
      plan: this.#plan,
      keys: this.#keys,
      others: this.passwords.tried,
      unanswered: this.passwords.unanswered,
      offered: this.#offered,
      partial: this.#partial,
    };
  }

  async next(left: readonly string[] | null, partial: boolean | null): Promise<AnyAuthMethod | false> {
    const first = !this.started;
    this.started = true;
    const last = this.#last;
    this.#last = null;
    const none: AnyAuthMethod = { type: 'none', username: this.#resolved.user };
    if (last?.signed === undefined) {
      this.#offered = left ?? this.#offered;
      this.#partial ||= partial === true;
    } else if (last.signed()) {
      // ssh2 keeps to itself what the server answers to a key of an agent. One that was signed with and is not enough was
      // a first step: 'none' makes the server say what comes next.
      this.#partial = true;
      return none;
    }
    // With passwords in play (or nothing at all), 'none' lets in who needs none of it, and makes the server say what it takes.
    if (first && (this.#plan.attempts.length === 0 || this.passwords.possible)) return none;
    for (const method of this.#order()) {
      const attempt = this.#takes(method) ? await this.#attempt(method) : null;
      if (attempt !== null) return attempt;
    }
    return false;
  }

  #order(): readonly Method[] {
    const { preferredAuthentications: preferred } = this.#resolved;
    return preferred.length === 0
      ? methods
      : preferred.flatMap((name) => methods.filter((method) => method === name));
  }

  /** Before the server has said what it takes, a key can be offered all the same. */
  #takes(method: Method): boolean {
    return this.#offered === null ? method === 'publickey' : this.#offered.includes(method);
  }

  async #attempt(method: Method): Promise<AnyAuthMethod | null> {
    if (method === 'keyboard-interactive') return this.passwords.interactive();
    if (method === 'password') return await this.passwords.password();
    for (;;) {
      const key = this.#plan.attempts[this.#next];
      if (key === undefined) return null;
      this.#next++;
      const attempt = await key.method();
      if (attempt === null) continue;
      this.#keys.push(key);
      this.#last = key;
      return attempt;
    }
  }
}
