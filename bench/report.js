/** Tells what was measured: as tables, as bench/results.json, and in docs/performance.md between its markers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { table } from './table.js';

const resultsFile = new URL('results.json', import.meta.url);
const docsFile = new URL('../docs/performance.md', import.meta.url);
const markers = ['<!-- results: begin -->', '<!-- results: end -->'];
const none = '–';

/** By kind of case: the number that is compared, and the columns. */
const kinds = {
  time: {
    compared: 'wallSeconds',
    columns: {
      'median s': ({ wallSeconds }) => seconds(wallSeconds),
      'min–max s': ({ minSeconds, maxSeconds }) => `${seconds(minSeconds)}–${seconds(maxSeconds)}`,
      'CPU s': ({ cpuSeconds }) => seconds(cpuSeconds),
      'peak MB': ({ rssMb }) => whole(rssMb),
      runs: ({ runs }) => String(runs),
    },
  },
  latency: {
    compared: 'p50Ms',
    columns: {
      'p50 ms': ({ p50Ms }) => whole(p50Ms),
      'p95 ms': ({ p95Ms }) => whole(p95Ms),
      'max ms': ({ maxMs }) => whole(maxMs),
      saves: ({ runs }) => String(runs),
    },
  },
  memory: {
    compared: 'rssMb',
    columns: {
      'peak MB': ({ rssMb }) => whole(rssMb),
      'all compared after s': ({ comparedSeconds }) => seconds(comparedSeconds),
    },
  },
};

function seconds(number) {
  return number === null ? none : number.toFixed(2);
}

function whole(number) {
  return number === null ? none : number.toFixed(0);
}

/** The fastest rival that did the whole work, in the compared number; `null` when there is none. */
function bestRival({ kind, rows }) {
  const { compared } = kinds[kind];
  const numbers = rows
    .filter((row) => row.rival && row.failure === null && !isPart(row))
    .map((row) => row[compared]);
  const known = numbers.filter((number) => number !== null);
  return known.length === 0 ? null : Math.min(...known);
}

/** A row that did less than the others is shown, and compared with nothing. */
function isPart({ work }) {
  return work?.startsWith('only') ?? false;
}

function ratio(row, best, compared) {
  if (row.failure !== null || best === null || row[compared] === null || isPart(row)) return none;
  return `${(row[compared] / best).toFixed(2)}×`;
}

function caseText(one) {
  const parts = [`### ${one.title}`];
  if (one.rows.length > 0) parts.push(one.kind === 'text' ? failuresOf(one) : tableOf(one));
  if (one.notes.length > 0) parts.push(one.notes.map((note) => `- ${note}`).join('\n'));
  return parts.join('\n\n');
}

function failuresOf({ rows }) {
  return rows.map(({ tool, failure }) => `${tool} FAILED: ${failure}`).join('\n');
}

function tableOf(one) {
  const { compared, columns } = kinds[one.kind];
  const best = bestRival(one);
  const cells = one.rows.map((row) => {
    const name = row.work ? `${row.tool} (${row.work})` : row.tool;
    if (row.failure === null)
      return [name, ...Object.values(columns).map((cell) => cell(row)), ratio(row, best, compared)];
    return [
      `${name}: FAILED: ${row.failure.replaceAll(/\s+/g, ' ')}`,
      ...Object.keys(columns).map(() => none),
      none,
    ];
  });
  return table([['', ...Object.keys(columns), 'of the best rival'], ...cells]);
}

/** One line per case: Towline and the best of the others. */
function overview(cases) {
  const rows = cases.flatMap((one) => {
    if (one.kind === 'text') return [];
    const { compared } = kinds[one.kind];
    const best = bestRival(one);
    const show =
      compared === 'wallSeconds'
        ? (n) => `${seconds(n)} s`
        : (n) => `${whole(n)} ${compared === 'rssMb' ? 'MB' : 'ms'}`;
    const rival = one.rows.find((row) => best !== null && row.rival && row[compared] === best);
    return one.rows
      .filter((row) => !row.rival)
      .map((row) => [
        one.rows.filter((other) => !other.rival).length > 1 ? `${one.title} (${row.tool})` : one.title,
        row.failure === null ? show(row[compared]) : 'FAILED',
        best === null ? none : `${show(best)} (${rival.tool})`,
        ratio(row, best, compared),
      ]);
  });
  return rows.length === 0 ? '' : table([['', 'Towline', 'best rival', 'ratio'], ...rows]);
}

function machineText({ measuredOn, scale, machine, versions }) {
  const tools = Object.entries(versions).map(([tool, version]) => `${tool} ${version ?? '(not installed)'}`);
  return (
    `Measured on ${measuredOn}${scale === 'full' ? '' : ` (${scale}: tiny data, numbers mean nothing)`}: ` +
    `${machine.cores} cores (${machine.processor}), ${machine.memoryGiB} GiB, ${machine.kernel}, ${machine.medium}; ${tools.join(', ')}.`
  );
}

/** The whole report as Markdown. */
export function reportText(results) {
  return [machineText(results), overview(results.cases), ...results.cases.map(caseText)]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** Whether anything failed, of us or of a rival. */
export function failures({ cases }) {
  return cases.flatMap(({ title, rows }) =>
    rows
      .filter(({ failure }) => failure !== null)
      .map(({ tool, failure }) => `${title}: ${tool}: ${failure}`),
  );
}

/** Writes results.json, and the report into the docs. */
export function writeReport(results) {
  writeFileSync(resultsFile, `${JSON.stringify(results, null, 2)}\n`);
  const text = readFileSync(docsFile, 'utf8');
  const [begin, end] = markers.map((marker) => text.indexOf(marker));
  if (begin === -1 || end < begin)
    throw new Error(`docs/performance.md has lost its markers ${markers.join(' and ')}`);
  const head = text.slice(0, begin + markers[0].length);
  writeFileSync(docsFile, `${head}\n\n${reportText(results)}\n\n${text.slice(end)}`);
}
