/** The live lines of the first sync, in words: as much as fits on one line each. */
import { formatBytes, formatCount } from './numbers.js';
import type { Counts, ProgressNumbers } from './progress-numbers.js';
import { printable, type Style } from './text.js';

const barWidth = 20;
const foldersShown = 5;
/** A single file of this size is worth its name. */
const namedBytes = 4 * 2 ** 20;
const gap = '  ';

/**
 * The lines for this moment, each shorter than `columns`.
 * @param folders whether the folders being worked on are listed too
 */
export function progressLines(
  numbers: ProgressNumbers,
  columns: number,
  style: Style,
  folders: boolean,
): string[] {
  // A full line would wrap on some terminals.
  const width = Math.max(columns - 1, 1);
  const first =
    numbers.phase === 'sending' ? sendingLine(numbers, width, style) : waitingLine(numbers, width);
  if (!folders || numbers.phase !== 'sending') return [first];
  return [first, ...folderLines(numbers, width).map((line) => style.faint(line))];
}

function waitingLine(numbers: ProgressNumbers, width: number): string {
  const { phase, entries, sent, found } = numbers;
  const sending = found.files > 0 ? [countText(sent, found, !numbers.listed)] : [];
  if (phase === 'connecting') return fitted(['connecting …'], width);
  if (phase === 'waiting') return fitted(['waiting for the connection …', ...sending], width);
  const looked = entries > 0 ? [formatCount(entries, 'entry', 'entries')] : [];
  return fitted(['comparing both sides …', ...looked], width);
}

function sendingLine(numbers: ProgressNumbers, width: number, style: Style): string {
  const { sent, found, listed, rate, leftMs, failed } = numbers;
  const share = found.bytes > 0 ? sent.bytes / found.bytes : sent.files / Math.max(found.files, 1);
  const bar = listed ? barOf(share) : null;
  const parts = [
    ...(listed ? [`${String(Math.floor(share * 100)).padStart(3)} %`] : []),
    countText(sent, found, !listed),
    `${formatBytes(sent.bytes)} of ${formatBytes(found.bytes)}${listed ? '' : '+'}`,
    `${formatBytes(rate)}/s`,
    ...(leftMs === null ? [] : [leftText(leftMs)]),
    ...(failed > 0 ? [`${failed.toLocaleString('en-US')} failed`] : []),
    ...nameOf(numbers),
  ];
  const text = fitted(['↑', ...parts], width);
  // The bar is the first to go: it says nothing that the numbers do not.
  if (bar === null || text.length + barWidth + gap.length > width) return text;
  return `↑${gap}${style.good(bar.done)}${style.faint(bar.rest)}${text.slice(1)}`;
}

function countText(sent: Counts, found: Counts, more: boolean): string {
  const all = `${found.files.toLocaleString('en-US')}${more ? '+' : ''}`;
  return `${sent.files.toLocaleString('en-US')} of ${all} ${found.files === 1 && !more ? 'file' : 'files'}`;
}

function nameOf({ largest, found }: ProgressNumbers): string[] {
  if (largest === null || (largest.size < namedBytes && found.files > 1)) return [];
  const percent = Math.floor((largest.bytes / Math.max(largest.size, 1)) * 100);
  const name = printable(largest.path.slice(largest.path.lastIndexOf('/') + 1));
  return [found.files > 1 ? `${name} ${String(percent)} %` : name];
}

function folderLines(numbers: ProgressNumbers, width: number): string[] {
  const folders = numbers.folders(foldersShown);
  const names = folders.map(({ name }) => printable(`${name}/`));
  const nameWidth = Math.min(Math.max(...names.map((name) => name.length), 0), 30);
  return folders.map(({ sent, found }, index) => {
    const name = cut(names[index] ?? '', nameWidth).padEnd(nameWidth);
    return fitted([`   ${name}`, countText(sent, found, !numbers.listed), formatBytes(sent.bytes)], width);
  });
}

/** As many of the parts as fit, the first one at least in part. */
function fitted(parts: readonly string[], width: number): string {
  let text = cut(parts[0] ?? '', width);
  for (const part of parts.slice(1)) {
    if (text.length + gap.length + part.length > width) break;
    text += `${gap}${part}`;
  }
  return text;
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}…`;
}

function barOf(share: number): { done: string; rest: string } {
  const done = Math.min(barWidth, Math.max(0, Math.floor(share * barWidth)));
  return { done: '━'.repeat(done), rest: '─'.repeat(barWidth - done) };
}

/** As coarse as a guess is: `8 s left`, `3 min left`, `1 h 20 min left`. */
function leftText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${String(seconds)} s left`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${String(minutes)} min left`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${String(hours)} h ${String(minutes % 60)} min left`;
  return `${String(Math.round(hours / 24))} d left`;
}
