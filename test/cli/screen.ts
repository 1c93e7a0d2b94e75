const escape = String.fromCharCode(27);
/** A control sequence, or a character. */
const tokens = new RegExp(`${escape}\\[[?\\d;]*[A-Za-z]|[^]`, 'gu');

/** As much of a terminal as our output needs: what a person would see on it. */
export class Screen {
  readonly isTTY = true;
  /** All that was written. */
  text = '';
  #rows: string[] = [''];
  #row = 0;
  #column = 0;
  #columns: number;

  constructor(columns = 100) {
    this.#columns = columns;
  }

  columns(): number {
    return this.#columns;
  }

  /** What was written before is broken anew, as most terminals do. The cursor stands on an empty line. */
  resize(columns: number): void {
    this.#columns = columns;
    this.#rows = this.#rows.flatMap((row) => row.match(new RegExp(`.{1,${String(columns)}}`, 'g')) ?? ['']);
    this.#row = this.#rows.length - 1;
    this.#column = 0;
  }

  /** The lines that hold anything. */
  get lines(): string[] {
    return this.#rows.map((row) => row.trimEnd()).filter((row) => row !== '');
  }

  write(text: string): boolean {
    this.text += text;
    for (const [part] of text.matchAll(tokens)) {
      if (part.startsWith(`${escape}[`)) this.#control(part);
      else if (part === '\r') this.#column = 0;
      else if (part === '\n') this.#moveTo(this.#row + 1, 0);
      else this.#put(part);
    }
    return true;
  }

  #put(character: string): void {
    if (this.#column >= this.#columns) this.#moveTo(this.#row + 1, 0);
    const row = (this.#rows[this.#row] ?? '').padEnd(this.#column);
    this.#rows[this.#row] = row.slice(0, this.#column) + character + row.slice(this.#column + 1);
    this.#column++;
  }

  #control(sequence: string): void {
    const count = Number(/\d+/.exec(sequence)?.[0] ?? 1);
    switch (sequence.at(-1)) {
      case 'A':
        this.#moveTo(Math.max(0, this.#row - count), this.#column);
        break;
      case 'B':
        this.#moveTo(this.#row + count, this.#column);
        break;
      case 'G':
        this.#column = 0;
        break;
      case 'K':
        this.#rows[this.#row] = sequence.includes('2')
          ? ''
          : (this.#rows[this.#row] ?? '').slice(0, this.#column);
        break;
      case 'J':
        this.#rows = this.#rows.slice(0, this.#row + 1);
        this.#rows[this.#row] = (this.#rows[this.#row] ?? '').slice(0, this.#column);
        break;
      case 'm':
      case 'h':
      case 'l':
        break;
      default:
        throw new Error(`this screen does not know ${JSON.stringify(sequence)}`);
    }
  }

  #moveTo(row: number, column: number): void {
    while (this.#rows.length <= row) this.#rows.push('');
    this.#row = row;
    this.#column = column;
  }
}
