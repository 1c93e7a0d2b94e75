/**
 * Asks a server's shell what it can do. That a command "succeeded" proves nothing: `ForceCommand internal-sftp` answers any
 * of them with a refusal and exit code 0 or 1, and a login script may print anything. So every answer carries a word that
 * is only put together there, and every tool is shown to do the very thing we need of it.
 */
import { hasCode } from '../../../core/errors.js';
import type { Clock } from '../../../ports.js';
import type { SftpChannel, StreamSession } from '../../../ssh/channel.js';
import { randomWord } from '../../momentary-name.js';
import type { RootedPaths } from '../paths.js';

/** What a shell may offer. */
export type Tool =
  /** GNU find with `-printf`. */
  | 'find'
  /** `sha256sum -z` on names from standard input, with GNU find, sed and xargs. */
  | 'sha256sum'
  /** `sort -z`. */
  | 'sort'
  /** inotify-tools; whether the kernel's limits allow a watch shows when it starts. */
  | 'inotifywait'
  | 'tar';

export interface ShellParts {
  readonly commands: StreamSession;
  readonly clock: Clock;
  /** The root, absolute. */
  readonly directory: string;
  /** Ends it: there is no shell then. */
  readonly signal: AbortSignal;
}

/** The same where SFTP looks at the root too. */
export interface LookParts extends ShellParts {
  readonly channel: SftpChannel;
  readonly paths: RootedPaths;
}

/** How long all answers may take; a login script that hangs is a shell that cannot be used. */
export const answerMs = 20_000;
const answerBytesMax = 1024 * 1024;

/** SHA-256 of `x`, as `sha256sum -z` writes it for standard input, with NUL as `!`. */
const hashOfX = '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  -!';

/** In this order. */
const tests: Readonly<Record<Tool, string>> = {
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
 * The tools that work there, and `root` when `file` is in the root.
 * @throws `network`
 */
export async function answers(parts: ShellParts, file: string | null): Promise<ReadonlySet<string>> {
  const { commands, clock, directory, signal } = parts;
  const [head, tail] = [randomWord(clock), randomWord(clock)];
  const timeout = new AbortController();
  const cancel = clock.timer(answerMs, () => timeout.abort(new Error('the shell did not answer in time')));
  const said = new Set<string>();
  try {
    const script = probeScript(head, tail, file);
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

function probeScript(head: string, tail: string, file: string | null): string {
  const lines = Object.entries(tests).map(([tool, test]) => `if ${test}; then say ${tool}; fi`);
  return [
    'exec 2>/dev/null',
    `say() { printf '%s%s %s\\n' '${head}' '${tail}' "$1"; }`,
    ...(file === null ? [] : [`if [ -f ./${file} ]; then say root; fi`]),
    ...lines,
  ].join('; ');
}
