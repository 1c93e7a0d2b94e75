/** What a diagnosis consists of: checks, in the order in which they were made. */
import type { ErrorCode, TowlineError } from '../core/errors.js';

/** `skip`: it could not be checked, or there was nothing to check. */
export type CheckState = 'ok' | 'warn' | 'fail' | 'skip';

/** One thing that was looked at. */
export interface Check {
  /** Stable, for programs: `host-key`, `remote-folder`, … */
  readonly name: string;
  /** Whether it is well. */
  readonly state: CheckState;
  /** What was found, in one line. */
  readonly text: string;
  /** What can be done about it, one sentence. */
  readonly fix?: string;
}

/** What was found, and whether anything is wrong. */
export interface Diagnosis {
  /** In the order in which they were made. */
  readonly checks: readonly Check[];
  /** The code of the first check that failed; `null`: none did. Warnings are no failure. */
  readonly failure: ErrorCode | null;
}

/** Collects the checks, and tells of each one as it is made. */
export class Report {
  readonly #checks: Check[] = [];
  readonly #told: (check: Check) => void;
  #failure: ErrorCode | null = null;

  constructor(told: (check: Check) => void) {
    this.#told = told;
  }

  get diagnosis(): Diagnosis {
    return { checks: [...this.#checks], failure: this.#failure };
  }

  ok(name: string, text: string): void {
    this.#add({ name, state: 'ok', text });
  }

  warn(name: string, text: string, fix: string): void {
    this.#add({ name, state: 'warn', text, fix });
  }

  skip(name: string, text: string): void {
    this.#add({ name, state: 'skip', text });
  }

  /** A warning that an error is the reason of. */
  warnOf(name: string, error: TowlineError, fix: string): void {
    this.warn(name, whatOf(error), error.hint ?? fix);
  }

  fail(name: string, error: TowlineError): void {
    this.#failure ??= error.code;
    const fix = error.hint ?? fixes[error.code];
    this.#add({ name, state: 'fail', text: whatOf(error), ...(fix === undefined ? {} : { fix }) });
  }

  #add(check: Check): void {
    this.#checks.push(check);
    this.#told(check);
  }
}

/** The message without the hint, which its maker put behind it. */
function whatOf({ message, hint }: TowlineError): string {
  const end = hint === undefined ? '' : `. ${hint}`;
  return end !== '' && message.endsWith(end) ? message.slice(0, -end.length) : message;
}

/** Where an error says nothing about what to do. */
const fixes: Partial<Record<ErrorCode, string>> = {
  network: 'Check the network, the host, the port and any firewall in between',
  authentication: 'Check the user name, and that one of your keys is in ~/.ssh/authorized_keys there',
  permission: 'Check its owner and mode, and those of the folders above it',
  protocol: 'The log of the SSH server may say more',
  unsupported: 'Change the setting that asks for it',
  configuration: 'Correct it, and run towline doctor again',
  internal: 'This is a bug: please report it, with the output of towline doctor --json',
};
