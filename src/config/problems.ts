/** What is wrong with a configuration: one line for each mistake. */
import { TowlineError } from '../core/errors.js';

/** One mistake. */
export interface ConfigProblem {
  /** The file, or the variable of the environment. */
  readonly place: string;
  /** Of the file, from 1. */
  readonly line?: number;
  /** On that line, from 1; only where the file is no JSON. */
  readonly column?: number;
  /** The dotted path of the key, list items by number from 0; empty for the whole. */
  readonly key: string;
  readonly wrong: string;
  /** What is allowed, or what to do: no full stop at the end. */
  readonly hint?: string;
}

/** Where a mistake is. */
export type ProblemPlace = Pick<ConfigProblem, 'place' | 'line' | 'key'>;

/** A configuration cannot be used. `lines` has one line for each mistake; `message` is all of them. */
export class ConfigurationError extends TowlineError {
  readonly lines: readonly string[];

  constructor(problems: readonly ConfigProblem[], cause?: unknown) {
    const lines = problems.map(lineOfProblem);
    super('configuration', lines.join('\n'), { cause });
    this.lines = lines;
  }
}

function lineOfProblem({ place, line, column, key, wrong, hint }: ConfigProblem): string {
  const where = [place, line, column].filter((part) => part !== undefined).join(':');
  const parts = [where, key, hint === undefined ? wrong : `${wrong}. ${hint}`];
  return parts.filter((part) => part !== '').join(': ');
}

const shownMax = 60;

/** `value` as JSON, for messages; long ones are cut. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= shownMax ? text : `${text.slice(0, shownMax)}…`;
}

/** The mistake of a value that is not allowed. */
export function notAllowed(value: unknown, allowed: string): Pick<ConfigProblem, 'wrong' | 'hint'> {
  return { wrong: `cannot be ${shown(value)}`, hint: `Allowed: ${allowed}` };
}

/** Whether a key with this name would hold what nobody should write into a file. */
export function namesSecret(key: string): boolean {
  return /pass(?:word|wd|phrase)?$|secret|token|credential|private-?_?key$/i.test(key);
}

/** Why there is no such key, and where a secret belongs instead. */
export const secretRefused: Pick<ConfigProblem, 'wrong' | 'hint'> = {
  wrong: 'secrets are never kept in a configuration',
  hint: 'Remove it, and name a file or a command that gives it: passwordFile, passwordCommand, passphraseFile',
};
