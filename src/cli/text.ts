/** Text that is safe on a terminal, and its colours. */
import { styleText } from 'node:util';
import type { Output } from './context.js';

// Controls (C0, DEL, C1), line and paragraph separators, marks that reorder the text around them (UAX 9), invisible
// format characters, and halves of surrogate pairs: what could forge a line, move the cursor or hide a name.
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/gu;
const shortEscapes: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x1b': '\\e',
};

/** `text` on one line, with everything escaped that a terminal would act on instead of showing it. */
export function printable(text: string): string {
  return text.replace(unsafe, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return shortEscapes[character] ?? (code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`);
  });
}

/** Colours by meaning; each returns its text unchanged where colours are off. */
export interface Style {
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
  faint(text: string): string;
}

/** Colours for `output`: only on a terminal that is not dumb, and never when NO_COLOR is set (no-color.org). */
export function styleFor(output: Output, env: NodeJS.ProcessEnv): Style {
  const on = output.isTTY && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  type Format = Parameters<typeof styleText>[0];
  // The decision is made here, for the output that is written to: styleText would look at the process's own streams.
  const paint = (format: Format) => (text: string) =>
    on ? styleText(format, text, { validateStream: false }) : text;
  return { good: paint('green'), warn: paint('yellow'), bad: paint('red'), faint: paint('dim') };
}
