/**
 * Asks a server's shell what it can do. That a command "succeeded" proves nothing: `ForceCommand internal-sftp` answers any
 * of them with a refusal and exit code 0 or 1, and a login script may print anything. So every answer carries a word that
 * is only put together there, and every tool is shown to do the very thing we need of it.
 *
 * The shell may see another tree than SFTP does (a chroot, a container): a file that SFTP makes in the root, under a name
 * nobody can know, must be there for the shell too.
 */
import { hasCode } from '../../../core/errors.js';
import { tempName } from '../../../core/tempname.js';
import type { Clock } from '../../../ports.js';
import type { SftpChannel, StreamSession } from '../../../ssh/channel.js';
import type { RootedPaths } from '../paths.js';

/** What works in the server's shell. */
export interface ShellTools {
  /** GNU find with `-printf`. */
  readonly find: boolean;
  /** `sha256sum -z` on names from standard input, with GNU find, sed and xargs. */
  readonly sha256sum: boolean;
  /** `sort -z`. */
  readonly sort: boolean;
  /** inotify-tools; whether the kernel's limits allow a watch shows when it starts. */
  readonly inotifywait: boolean;
  readonly tar: boolean;
}

export interface ProbeParts {
  readonly channel: SftpChannel;
  readonly commands: StreamSession;
  readonly clock: Clock;
  /** The root, absolute. */
  readonly directory: string;
  /** Of the file that is made in the root for a moment. */
  readonly name: string;
  readonly paths: RootedPaths;
  /** Ends it: there is no shell then. */
  readonly signal: AbortSignal;
}

/** How long all answers may take; a login script that hangs is a shell that cannot be used. */
const answerMs = 20_000;
const answerBytesMax = 1024 * 1024;

/** SHA-256 of `x`, as `sha256sum -z` writes it for standard input, with NUL as `!`. */
const hashOfX = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  -!';

const tests: Readonly<Record<keyof ShellTools, string>> = {
  find: `[ "$(find . -maxdepth 0 -noleaf -type d -readable -executable -printf '%y%P%%' | tr '\\0' '!')" = 'd%' ]`,
  sha256sum: [
    `[ "$(printf './a//./b//' | sed 's|//|\\o000|g' | xargs -0 -n 1 printf '%s!')" = './a!./b!' ]`,
    `[ "$(printf x | sha256sum -z | tr '\\0' '!')" = '${hashOfX}' ]`,
    `[ "$(find . -maxdepth 0 -type d -print0 | xargs -0 -r printf '%s!')" = '.!' ]`,
  ].join(' && '),
  sort: `[ "$(printf 'b\\0a\\0' | sort -z | tr '\\0' '!')" = 'a!b!' ]`,
  inotifywait: `inotifywait --help 2>&1 | grep -q -e --exclude`,
  tar: `[ "$(tar -cf - --no-recursion . | tar -tf -)" = './' ]`,
};

/**
 * What the shell can do in the root; `null` when there is none, or it sees something else.
 * @throws `network`; `not-found` when there is no root
 */
export async function probe(parts: ProbeParts): Promise<ShellTools | null> {
  const { channel, name, paths } = parts;
  const path = paths.below(name);
  try {
    await channel.closeHandle(await channel.createExclusive(path, 0o600));
  } catch (error) {
    if (hasCode(error, 'network', 'not-found')) throw error;
    // Nothing can be proven where nothing may be written.
    return null;
  }
  try {
    const said = await answers(parts);
    if (!said.has('root')) return null;
    const names = Object.keys(tests) as (keyof ShellTools)[];
    return Object.fromEntries(names.map((tool) => [tool, said.has(tool)])) as Record<
      keyof ShellTools,
      boolean
    >;
  } finally {
    // A dead channel shows itself in the next request, and the sweep of temps finds what was left.
    await Promise.allSettled([channel.removeFile(path)]);
  }
}

/** The words that the shell said for certain. */
async function answers(parts: ProbeParts): Promise<ReadonlySet<string>> {
  const { commands, clock, directory, name, signal } = parts;
  const [head, tail] = [randomWord(clock), randomWord(clock)];
  const timeout = new AbortController();
  const cancel = clock.timer(answerMs, () => timeout.abort(new Error('the shell did not answer in time')));
  const said = new Set<string>();
  try {
    const script = probeScript(head, tail, name);
    const environment = { LC_ALL: 'C' };
    const stream = commands.stream(script, {
      directory,
      environment,
      signal: AbortSignal.any([timeout.signal, signal]),
    });
    let text = '';
    for await (const piece of stream.stdout) {
      text += piece.toString('latin1');
      if (text.length > answerBytesMax) break;
    }
    for (const line of text.split('\n')) {
      const at = line.indexOf(`${head}${tail} `);
      if (at !== -1) said.add(line.slice(at + head.length + tail.length + 1));
    }
  } catch (error) {
    if (hasCode(error, 'network')) throw error;
    // It refused, or took too long: there is no shell for us.
    said.clear();
  } finally {
    cancel();
  }
  return said;
}

/** A name for the file that both must see; a temp's, so that one which a lost link left behind is removed in time. */
export function probeName(clock: Clock): string {
  return tempName('probe', `0${randomWord(clock)}`);
}

function probeScript(head: string, tail: string, name: string): string {
  const lines = Object.entries(tests).map(([tool, test]) => `if ${test}; then say ${tool}; fi`);
  return [
    'exec 2>/dev/null',
    `say() { printf '%s%s %s\\n' '${head}' '${tail}' "$1"; }`,
    `if [ -f ./${name} ]; then say root; fi`,
    ...lines,
  ].join('; ');
}

function randomWord(clock: Clock): string {
  return [clock.random(), clock.random()].map((one) => one.toString(36).slice(2)).join('');
}
