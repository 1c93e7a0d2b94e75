/**
 * Somebody who can be asked while we log in. Asked only until the first connection stands; what was answered then is
 * kept in memory. One question at a time.
 *
 * Both reject with a `TowlineError` (`interrupted`) when the person will not answer: then the run ends.
 */
export interface Prompts {
  /** A password or the like: not to be shown while it is typed, and never to be stored. */
  secret(question: string): Promise<string>;
  /** An answer that may be seen. */
  answer(question: string): Promise<string>;
}

/** Text of a server, as it may be shown on a terminal: without control characters. */
export function printableText(text: string): string {
  return text.replace(/[^\P{C}\n\t]/gu, '').trim();
}
