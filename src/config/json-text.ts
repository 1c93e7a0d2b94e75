/** JSON as a person wrote it: what it holds, on which line each key stands, and where it is no JSON. */
import { TowlineError } from '../core/errors.js';

/** What was read. Keys and list items are named by JSON pointers (RFC 6901): `/afterSync/0/command`. */
export interface JsonText {
  readonly value: unknown;
  /** From 1; of the key for a member of an object, of the value for an item of a list. */
  lineOf(pointer: string): number | undefined;
  /** Keys that an object holds more than once; of their values the last one counts. */
  readonly duplicates: readonly string[];
}

/** The text is no JSON. Line and column (in UTF-16 units, as editors count) begin at 1. */
export class JsonSyntaxError extends TowlineError {
  readonly line: number;
  readonly column: number;
  /** What is wrong there. */
  readonly reason: string;

  constructor(text: string, offset: number, reason: string) {
    const before = text.slice(0, offset).split('\n');
    const line = before.length;
    const column = before[before.length - 1]!.length + 1;
    super('configuration', `no valid JSON at line ${String(line)}, column ${String(column)}: ${reason}`);
    this.line = line;
    this.column = column;
    this.reason = reason;
  }
}

/** `key` as a part of a JSON pointer. */
export function pointerPart(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** The keys a JSON pointer is made of. */
export function pointerKeys(pointer: string): string[] {
  const parts = pointer.split('/').slice(1);
  return parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/**
 * Reads `text`; a byte order mark ahead of it is skipped.
 * @throws JsonSyntaxError. Nothing of the text is repeated in it but one character: it may hold what nobody should see.
 */
export function readJson(text: string): JsonText {
  const json = text.replace(/^\ufeff/, '');
  const scanner = new Scanner(json);
  scanner.document();
  const { lines, duplicates } = scanner;
  return { value: JSON.parse(json), lineOf: (pointer) => lines.get(pointer), duplicates };
}

const depthMax = 64;
const blanks = /[ \t\n\r]*/y;
const stringToken = /"[^"\\\p{Cc}]*(?:\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})[^"\\\p{Cc}]*)*"/uy;
const otherToken = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/y;

/**
 * Walks over the tokens. JSON.parse tells where it stopped only in the text of its message, which is V8's affair, and
 * lines of keys not at all.
 */
class Scanner {
  readonly lines = new Map<string, number>();
  readonly duplicates: string[] = [];
  readonly #text: string;
  #at = 0;
  #line = 1;
  #lineFrom = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): void {
    this.#value('', 0);
    if (this.#next() !== '') this.#fail('there is something behind the end');
  }

  #value(pointer: string, depth: number): void {
    const next = this.#next();
    if (depth > depthMax) this.#fail('objects and lists are nested too deeply');
    if (!this.lines.has(pointer)) this.#mark(pointer);
    if (next === '{') this.#members(pointer, depth + 1);
    else if (next === '[') this.#items(pointer, depth + 1);
    else if (next === '"') this.#string();
    else if (this.#take(otherToken) === '') this.#fail(unexpected(next, 'a value'));
  }

  #members(pointer: string, depth: number): void {
    this.#at++;
    if (this.#closes('}')) return;
    const known = new Set<string>();
    do {
      const next = this.#next();
      if (next !== '"') this.#fail(unexpected(next, 'a key in double quotes'));
      const start = this.#at;
      const key = JSON.parse(this.#string()) as string;
      const member = `${pointer}/${pointerPart(key)}`;
      if (known.has(key)) this.duplicates.push(member);
      known.add(key);
      this.#mark(member, start);
      if (this.#next() !== ':') this.#fail(unexpected(this.#next(), 'a colon'));
      this.#at++;
      this.#value(member, depth);
    } while (this.#continues('}'));
  }

  #items(pointer: string, depth: number): void {
    this.#at++;
    if (this.#closes(']')) return;
    let index = 0;
    do this.#value(`${pointer}/${String(index++)}`, depth);
    while (this.#continues(']'));
  }

  #string(): string {
    const token = this.#take(stringToken);
    if (token === '') this.#fail('this string has no end on its line, or a backslash that begins no escape');
    return token;
  }

  #closes(bracket: string): boolean {
    if (this.#next() !== bracket) return false;
    this.#at++;
    return true;
  }

  #continues(bracket: string): boolean {
    if (this.#closes(bracket)) return false;
    const next = this.#next();
    if (next !== ',') this.#fail(unexpected(next, `a comma or ${bracket}`));
    const comma = this.#at++;
    if (this.#next() === bracket) this.#fail(`there is a comma too many ahead of ${bracket}`, comma);
    return true;
  }

  /** The next character that is no blank; empty at the end. */
  #next(): string {
    this.#take(blanks);
    return this.#text.charAt(this.#at);
  }

  #take(token: RegExp): string {
    token.lastIndex = this.#at;
    const found = token.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #mark(pointer: string, offset = this.#at): void {
    for (let end = this.#lineEnd(); end !== -1 && end < offset; end = this.#lineEnd()) {
      this.#line++;
      this.#lineFrom = end + 1;
    }
    this.lines.set(pointer, this.#line);
  }

  #lineEnd(): number {
    return this.#text.indexOf('\n', this.#lineFrom);
  }

  #fail(reason: string, offset = this.#at): never {
    throw new JsonSyntaxError(this.#text, offset, reason);
  }
}

function unexpected(found: string, expected: string): string {
  if (found === '') return `it ends where ${expected} should be`;
  if (found === '/' || found === '#') return 'comments are no part of JSON';
  if (found === "'") return 'strings stand in double quotes';
  return `${JSON.stringify(found)} where ${expected} should be`;
}
