/** What the demo says. */
import type { AgentEvent } from '../../index.js';
import { holdText, linkText, noticeText, problemText } from '../lines.js';
import type { LineWriter } from '../linewriter.js';
import { formatCount, formatDuration } from '../numbers.js';
import type { Arrival } from './files.js';
import { type Edit, type Files, sampleFiles } from './script.js';
import type { Stage } from './stage.js';

/** Widths of the first two columns: the longest kind and the usual label. */
const kindWidth = 7;
const labelWidth = 27;

/** Tells the demo line by line, and keeps the numbers for its summary. */
export class Account {
  readonly #lines: LineWriter;
  readonly #delaysMs: number[] = [];
  /** All that the demo itself edits. */
  readonly #ours = new Set<string>();
  #edits = 0;
  #files = 0;
  #late = 0;
  #torn = 0;

  constructor(lines: LineWriter) {
    this.#lines = lines;
  }

  /** Whether everything arrived, whole. */
  get fine(): boolean {
    return this.#late === 0 && this.#torn === 0;
  }

  opening(stage: Stage): void {
    this.#lines.out(
      `An SFTP server on ${stage.server.host}:${stage.server.port}, a sample folder, and the agent between them:`,
    );
    this.#lines.out(`  edited here    ${stage.localFolder}`);
    this.#lines.out(`  on the server  ${stage.serverFolder}`);
    this.#lines.out('A deletion waits half a second, in case it is one half of a replacement.');
    this.#lines.out('Edit a file there yourself, if you like. Ctrl-C stops it and removes both.');
    this.#lines.out('');
  }

  /** These are the demo's own: what else the agent sends was edited by the person who watches. */
  touching(files: Files): void {
    for (const path of files.keys()) {
      const names = path.split('/');
      for (let depth = 1; depth <= names.length; depth++) this.#ours.add(names.slice(0, depth).join('/'));
    }
  }

  firstSync(arrival: Arrival): void {
    this.#arrived('sync', formatCount(sampleFiles().size, 'file'), sampleFiles().size, arrival);
  }

  edited(edit: Edit, arrival: Arrival): void {
    this.#edits++;
    if (arrival.afterMs !== null) this.#delaysMs.push(arrival.afterMs);
    this.#arrived(edit.kind, edit.label, edit.after.size, arrival, edit.kind === 'delete');
  }

  /** What a person must know of the agent's events, and what a person watching edited. */
  event(event: AgentEvent, nowMs: number): void {
    if (event.type === 'problem') this.#lines.err(problemText(event.problem), 'bad');
    if (event.type === 'holds') event.holds.forEach((hold) => this.#lines.err(holdText(hold), 'warn'));
    if (event.type === 'notice' && event.level === 'warn') this.#lines.err(noticeText(event), 'warn');
    if (event.type === 'link') {
      const text = linkText(event.state, nowMs);
      if (text !== null) this.#lines.err(text, 'warn');
    }
    if (event.type === 'batch' && event.summary.cause === 'changes') {
      const foreign = event.summary.paths.filter((path) => path !== '' && !this.#ours.has(path));
      const text = `sent in ${formatDuration(event.summary.durationMs)}`;
      if (foreign.length > 0) this.#line('yours', foreign.join(', '), text);
    }
  }

  stopping(): void {
    this.#lines.out('');
  }

  /** Two lines. */
  closing(stage: Stage): void {
    this.#lines.out(`${this.#countsText()}${this.#delaysText()}.`, this.fine ? 'good' : 'bad');
    this.#lines.out(`The agent and the server are stopped, ${stage.folder} is removed.`);
  }

  #arrived(kind: string, label: string, files: number, { afterMs, whole }: Arrival, gone = false): void {
    this.#files += files;
    if (afterMs === null) this.#late++;
    if (!whole) this.#torn++;
    const state = whole ? (gone ? '' : ', whole') : ', but seen half-way';
    const where = gone ? 'gone from' : 'on';
    const text =
      afterMs === null ? 'has not arrived' : `${where} the server after ${formatDuration(afterMs)}${state}`;
    this.#line(kind, label, text, afterMs !== null && whole ? 'plain' : 'bad');
  }

  #line(kind: string, label: string, text: string, paint: 'plain' | 'bad' = 'plain'): void {
    this.#lines.out(`${kind.padEnd(kindWidth)}  ${label.padEnd(labelWidth)} → ${text}`, paint);
  }

  #countsText(): string {
    if (this.#files === 0) return 'Stopped ahead of the first sync';
    const counts = `${formatCount(this.#edits, 'edit')} and the first sync, ${formatCount(this.#files, 'file change')}`;
    if (this.fine) return `${counts}, all on the server, whole`;
    return `${counts}; ${this.#late} did not arrive, ${this.#torn} seen half-way`;
  }

  #delaysText(): string {
    const sorted = this.#delaysMs.toSorted((a, b) => a - b);
    const [middle, last] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
    if (middle === undefined || last === undefined) return '';
    return `; half of them within ${formatDuration(middle)}, the slowest after ${formatDuration(last)}`;
  }
}
