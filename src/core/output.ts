/** What a command writes, as text, within bounds. */

/** Characters kept of each of a command's two outputs. */
const keptMax = 64 * 1024;
const lineMax = 4096;

/** Decodes one output of a command and keeps its end: what went wrong is said last. */
export class OutputTail {
  readonly #decoder = new TextDecoder();
  #text = '';

  /** @returns the piece as text; a character that is cut comes with the next piece */
  add(data: Uint8Array): string {
    const text = this.#decoder.decode(data, { stream: true });
    this.#text += text;
    if (this.#text.length > 2 * keptMax) this.#text = this.#text.slice(-keptMax);
    return text;
  }

  get text(): string {
    return this.#text.slice(-keptMax);
  }
}

/** Cuts text that comes in pieces into lines; one that is longer than 4096 characters is cut there too. */
export class LineCutter {
  #rest = '';

  /** @returns the lines that are complete now, without their ends */
  add(text: string): string[] {
    const lines = (this.#rest + text).split(/\r?\n/);
    this.#rest = lines.pop() ?? '';
    while (this.#rest.length > lineMax) {
      lines.push(this.#rest.slice(0, lineMax));
      this.#rest = this.#rest.slice(lineMax);
    }
    return lines.flatMap((line) => inParts(line));
  }

  /** @returns the last line, if there is one without an end */
  end(): string[] {
    const rest = this.#rest;
    this.#rest = '';
    return rest === '' ? [] : [rest];
  }
}

function inParts(line: string): string[] {
  if (line.length <= lineMax) return [line];
  const parts: string[] = [];
  for (let at = 0; at < line.length; at += lineMax) parts.push(line.slice(at, at + lineMax));
  return parts;
}
