/** The middle columns of docs/coming-from.md: what they name must be in what was built. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { errorCodes, exitCodes } from '../../src/core/errors.js';
import { conflictPolicies, driftPolicies, modes } from '../../src/core/policy.js';
import { type PublicApi, readPublicApi } from '../support/public-api.js';
import { towline } from '../support/towline.js';

const root = join(import.meta.dirname, '..', '..');

const tools = [
  'rsync',
  'lsyncd',
  'lftp',
  'rclone',
  'Mutagen',
  'Unison',
  'syncengine',
  'hussh',
  'webdav-client',
  'ssh2-sftp-client',
];

interface Row {
  readonly tool: string;
  /** From 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** The rows of all tables, without their heads. */
function rowsOf(markdown: string): Row[] {
  let tool = '';
  let body = false;
  const rows: Row[] = [];
  for (const [index, line] of markdown.split('\n').entries()) {
    if (line.startsWith('## ')) tool = line.slice(3);
    if (!line.startsWith('|')) body = false;
    else if (/^\|[-:|]+\|$/.test(line)) body = true;
    else if (body) {
      rows.push({
        tool,
        line: index + 1,
        cells: line
          .slice(1, -1)
          .split('|')
          .map((cell) => cell.trim()),
      });
    }
  }
  return rows;
}

// ------------------------------------------------------------------------------------------------- what there is

interface There extends PublicApi {
  /** The help of each command, by its name (`conflicts resolve` too); that of the program by `''`. */
  readonly helps: ReadonlyMap<string, string>;
}

async function whatThereIs(): Promise<There> {
  const helps = new Map<string, string>();
  const ask = async (command: string) => {
    const { code, stdout } = await towline([...command.split(' ').filter(Boolean), '--help']);
    if (code !== 0) throw new Error(`towline ${command} --help ended with ${String(code)}`);
    helps.set(command, stdout);
    const commands = /^Commands:\n((?: .*\n)+)/m.exec(stdout)?.[1] ?? '';
    const names = [...commands.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => `${command} ${name!}`.trim());
    await Promise.all(names.filter((name) => !name.endsWith('help')).map(ask));
  };
  await ask('');
  return { ...readPublicApi(), helps };
}

/** What the values of these flags may be. */
const values: Readonly<Record<string, readonly string[]>> = {
  '--mode': modes,
  '--conflict': conflictPolicies,
  '--on-drift': driftPolicies,
  '--compare': ['size', 'mtime+size', 'checksum'],
  '--keep': ['local', 'remote', 'both'],
};

const files = ['towline.json', '.towlineignore'];

// ------------------------------------------------------------------------------------------------- checks

/** What a word ahead of a name says that it is, and where to look for it. */
const kinds: readonly { readonly word: RegExp; readonly has: (there: There, name: string) => boolean }[] = [
  { word: /^codes?$/, has: (_, name) => (errorCodes as readonly string[]).includes(name) },
  { word: /^events?$/, has: ({ events }, name) => events.has(name) },
  { word: /^modes?$/, has: (_, name) => (modes as readonly string[]).includes(name) },
  {
    word: /^polic(y|ies)$/,
    has: (_, name) => ([...conflictPolicies, ...driftPolicies] as readonly string[]).includes(name),
  },
  { word: /^options?$/, has: ({ types }, name) => hasProperty(types, name, /(Options|Hooks)$/) },
  { word: /^fields?$/, has: ({ types }, name) => hasProperty(types, name, /./) },
];

function hasProperty(types: There['types'], name: string, of: RegExp): boolean {
  return [...types].some(([type, properties]) => of.test(type) && properties.has(name));
}

/** What is wrong in one middle cell. */
function mistakesIn(there: There, cell: string): string[] {
  const wrong: string[] = [];
  let kind: (typeof kinds)[number] | undefined;
  for (const [, exit, name, word] of cell.matchAll(/exit (\d+)|`([^`]+)`|([a-z]+)/g)) {
    if (word !== undefined) {
      kind = kinds.find((one) => one.word.test(word)) ?? kind;
    } else if (exit !== undefined) {
      if (!Object.values<number>(exitCodes).includes(Number(exit))) wrong.push(`exit ${exit}`);
    } else if (name !== undefined) {
      wrong.push(...mistakesInName(there, name, kind));
    }
  }
  return wrong;
}

function mistakesInName(there: There, name: string, kind: (typeof kinds)[number] | undefined): string[] {
  if (name.startsWith('towline ')) return mistakesInCommand(there, name);
  if (name.startsWith('-')) return mistakesInFlags([...there.helps.values()].join('\n'), name);
  if (files.includes(name) || /\bHOST\b|^USER@$/.test(name)) return [];
  if (name.startsWith('{')) {
    const keys = [...name.matchAll(/(\w+):/g)].map(([, key]) => key!);
    return keys.filter((key) => !hasProperty(there.types, key, /./)).map((key) => `${key} in ${name}`);
  }
  const call = /^(?:(\w+)\.)?(\w+)\(\)$/.exec(name);
  if (call !== null) {
    const [, object, called = ''] = call;
    return (object === undefined ? there.functions : there.methods).has(called) ? [] : [name];
  }
  return kind?.has(there, name) === true ? [] : [name];
}

function mistakesInCommand(there: There, text: string): string[] {
  const words = text.split(' ').slice(1);
  const [two, one] = [words.slice(0, 2).join(' '), words[0] ?? ''];
  const help = there.helps.get(two) ?? there.helps.get(one);
  return help === undefined ? [text] : mistakesInFlags(help, text);
}

function mistakesInFlags(help: string, text: string): string[] {
  const words = text.split(' ');
  const unknown = words.filter((word) => {
    if (/^-v+$/.test(word)) return !help.includes('-v, --verbose');
    return word.startsWith('-') && !new RegExp(`(^|[\\s(])${word}(?=[\\s,:)]|$)`, 'm').test(help);
  });
  const values_ = words.filter((word, index) => {
    const allowed = values[words[index - 1] ?? ''];
    return allowed !== undefined && !allowed.includes(word);
  });
  return [...unknown, ...values_].map((word) => `${word} in ${text}`);
}

// ------------------------------------------------------------------------------------------------- tests

const there = await whatThereIs();
const rows = rowsOf(readFileSync(join(root, 'docs', 'coming-from.md'), 'utf8'));

test('every tool has a table, and every row three cells', () => {
  expect([...new Set(rows.map(({ tool }) => tool))]).toEqual(tools);
  const odd = rows.filter(({ cells }) => cells.length !== 3 || cells[0] === '' || cells[1] === '');
  expect(odd).toEqual([]);
});

test('what is named exists: commands, flags and their values, calls, options, events, error codes, exit codes', () => {
  const wrong = rows.flatMap(({ line, cells }) =>
    mistakesIn(there, cells[1] ?? '').map((what) => `docs/coming-from.md:${String(line)}: ${what}`),
  );
  expect(wrong).toEqual([]);
});

test.each([
  ['`--delete`, `-n`, `towline push -n --compare checksum`', []],
  ['`--delet`', ['--delet in --delet']],
  ['`-Z`', ['-Z in -Z']],
  ['`towline shove`', ['towline shove']],
  ['`towline flush --delete`', ['--delete in towline flush --delete']],
  ['`--mode sideways`', ['sideways in --mode sideways']],
  ['`sync()`, `session.writeFile()`', []],
  ['`synk()`, `session.sync()`', ['synk()', 'session.sync()']],
  ['codes `network`, `netwrk`', ['netwrk']],
  ['event `batch`, code `batch`', ['batch']],
  ['mode `push`, policy `push`', ['push']],
  ['option `stateDir`, `transferred`', ['transferred']],
  ['field `transferred`', []],
  ['`transferred`', ['transferred']],
  ['`{ atomic: false, atomc: true }`', ['atomc in { atomic: false, atomc: true }']],
  ['exit 5, exit 6', ['exit 6']],
])('the check bites: %s', (cell, wrong) => {
  expect(mistakesIn(there, cell)).toEqual(wrong);
});
