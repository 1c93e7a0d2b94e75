import { glob, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { userInfo } from 'node:os';
import SSHConfig, { type Directive, type Line, LineType, type Section } from 'ssh-config';
import { hasErrno, TowlineError } from '../core/errors.js';

/** One line of ssh_config, as words without their quotes. */
export interface Setting {
  /** In lower case. */
  readonly key: string;
  readonly words: readonly string[];
  readonly file: string;
}

/** A line, or a `Host` or `Match` line with what stands below it. */
export type Block = Setting & { readonly below: readonly Block[] | null };

const systemFile = '/etc/ssh/ssh_config';

/**
 * The ssh_config files that count, parsed: the one given with `-F` alone, or the user's own and then the system's.
 * @throws TowlineError `configuration`: a file that cannot be read, is open to others or makes no sense; `unsupported`:
 * a line that only ssh itself reads reliably
 */
export async function readConfigFiles(explicit: string | undefined): Promise<readonly Block[]> {
  if (explicit === 'none') return [];
  if (explicit !== undefined) return readConfigFile(explicit);
  const own = join(userInfo().homedir, '.ssh', 'config');
  const [user, system] = await Promise.all([readIfThere(own, true), readIfThere(systemFile, false)]);
  return [...(user ?? []), ...(system ?? [])];
}

/**
 * The files that an `Include` stands for, in order; none where nothing fits.
 * @param include relative names are looked for in `~/.ssh`, or beside the system's file when that includes them
 */
export async function includedFiles(include: Setting): Promise<string[]> {
  const home = userInfo().homedir;
  const folder = include.file.startsWith('/etc/ssh/') ? '/etc/ssh' : join(home, '.ssh');
  const files: string[] = [];
  for (const word of include.words) {
    if (/[%$]/.test(word))
      throw unreadable(include.file, `Include ${word}`, 'its tokens are not expanded here');
    const pattern = word.replace(/^~(?=\/)/, home);
    const found: string[] = [];
    for await (const file of glob(isAbsolute(pattern) ? pattern : join(folder, pattern))) found.push(file);
    files.push(...found.sort());
  }
  return files;
}

/** Parses one file. */
export async function readConfigFile(file: string): Promise<readonly Block[]> {
  const blocks = await readIfThere(file, false);
  if (blocks !== null) return blocks;
  throw new TowlineError('configuration', `there is no SSH configuration ${file}`, {
    path: file,
    hint: 'Check the name given with -F',
  });
}

async function readIfThere(file: string, own: boolean): Promise<readonly Block[] | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
    if (own) await assertOwn(file);
  } catch (error) {
    if (error instanceof TowlineError) throw error;
    if (hasErrno(error, 'ENOENT')) return null;
    throw new TowlineError('configuration', `the SSH configuration ${file} cannot be read`, {
      path: file,
      cause: error,
    });
  }
  assertPlain(file, text);
  return blocksOf(parse(file, text), { file, commands: commandsIn(text) });
}

/** As ssh does: who can write the file decides what we run and whom we trust. */
async function assertOwn(file: string): Promise<void> {
  const { uid, mode } = await stat(file);
  if ((uid === 0 || uid === process.getuid?.()) && (mode & 0o022) === 0) return;
  if (process.platform === 'win32') return;
  throw new TowlineError('configuration', `${file} can be written by others`, {
    path: file,
    hint: `chmod 600 ${file}, and see that it is yours`,
  });
}

const ownReading = /^proxycommand$/i;

/** What the parser reads in another way than ssh is refused, not guessed. */
function assertPlain(file: string, text: string): void {
  text.split(/\r?\n/).forEach((line, index) => {
    const [, key = '', rest = ''] = /^\s*([^\s=#]+)(.*)$/.exec(line) ?? [];
    if (key !== '' && /^[\s=]*(?:#.*)?$/.test(rest)) {
      throw new TowlineError('configuration', `${file}:${String(index + 1)}: ${key} has no value`, {
        path: file,
      });
    }
    if (ownReading.test(key)) return;
    const bare = rest.replaceAll(/"[^"\\]*"/g, '""');
    if (!/\\[\s"'\\]|'|[^\s=]#/.test(bare.replace(/(^|\s)#.*$/, ''))) return;
    throw unreadable(
      `${file}:${String(index + 1)}`,
      line.trim(),
      'use double quotes and no backslashes there',
    );
  });
}

function unreadable(where: string, what: string, hint: string): TowlineError {
  return new TowlineError('unsupported', `${where}: '${what}' cannot be read without ssh`, {
    path: where,
    hint: `Install the OpenSSH client, or ${hint}`,
  });
}

function parse(file: string, text: string): readonly Line[] {
  try {
    return SSHConfig.parse(text);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new TowlineError('configuration', `the SSH configuration ${file} makes no sense: ${what}`, {
      path: file,
      cause: error,
    });
  }
}

/** Commands as they are written: the parser would take blanks and quotes away that mean something to the shell. */
function commandsIn(text: string): string[] {
  const lines = text.matchAll(/^[ \t]*ProxyCommand(?:[ \t]*=[ \t]*|[ \t]+)(.*?)[ \t]*$/gim);
  return Array.from(lines, ([, command = '']) => command);
}

interface Reading {
  readonly file: string;
  /** Those that are still to come, in the order of their lines. */
  readonly commands: string[];
}

function blocksOf(lines: readonly Line[], reading: Reading): Block[] {
  return lines.filter(isDirective).map((line) => {
    const key = line.param.toLowerCase();
    const words = ownReading.test(key) ? [reading.commands.shift() ?? ''] : wordsOf(line);
    return {
      key,
      words,
      file: reading.file,
      below: 'config' in line ? blocksOf(line.config, reading) : null,
    };
  });
}

function isDirective(line: Line): line is Directive | Section {
  return line.type === LineType.DIRECTIVE;
}

function wordsOf({ value }: Directive): string[] {
  return typeof value === 'string' ? [value] : value.map(({ val }) => val);
}
