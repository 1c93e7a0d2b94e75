/** Tables of text: the same for the terminal and for Markdown. */

/** @param rows arrays of cells, the first one the heading; all columns but the first are aligned to the right */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => [...row[column]].length), 3));
  const line = (row) =>
    `| ${row.map((cell, at) => (at === 0 ? padEnd(cell, widths[at]) : padStart(cell, widths[at]))).join(' | ')} |`;
  const rule = `|${widths.map((width, at) => (at === 0 ? `${'-'.repeat(width + 2)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join('\n');
}

// Not by UTF-16 units, as String's own do.
function padEnd(text, width) {
  return text + ' '.repeat(width - [...text].length);
}

function padStart(text, width) {
  return ' '.repeat(width - [...text].length) + text;
}
