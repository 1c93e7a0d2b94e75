/**
 * How a command is run on the server so that it ends with us: sshd kills nothing when a channel or a connection closes,
 * and a child that does not read its standard input lives on for ever.
 *
 * Standard input first carries what the command is to read, and then stays open as a lifeline. When it ends, for whatever
 * reason (a timeout, a lost connection, our death), the process group gets SIGTERM, and SIGKILL two seconds later. sshd
 * gives each command a session of its own, so the group is the command with all it started. Where a server does not, the
 * group is somebody else's, and nothing is killed.
 */

export interface ScriptOptions {
  /** Bytes of text (no NUL) at the start of standard input that the command itself reads; then it sees the end. */
  readonly stdinBytes: number;
  /** Where it runs; relative to where the server begins. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What runs the command: the account's shell (default), or a POSIX `sh`. */
  readonly shell?: 'account' | 'sh';
}

/** Quoted for any shell an account may have: everything in single quotes is as it stands. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Watches standard input. */
const lifeline = [
  'trap "" TERM HUP',
  'while read -r line <&3; do :; done',
  '[ -n "$1" ] || exit 0',
  'kill -TERM 0',
  'sleep 2',
  'kill -KILL 0',
].join('; ');

/**
 * The shell's own complaints go nowhere (it tells of killed children); the command's standard error is saved as 4. What
 * the command is to read is held here meanwhile: a command that never reads must not keep anybody from the lifeline. The
 * `x` keeps newlines at the end from being lost, and is cut off again; if the text is not whole, we were cut off.
 */
const script = (shell: string) =>
  [
    'exec 3<&0 4>&2 2>/dev/null </dev/null',
    'group=$(ps -o pgid= -p $$ | tr -d " ")',
    '[ "$group" = $$ ] || group=',
    'unset CDPATH',
    'text=$(head -c "$3" <&3; echo x)',
    '[ "$(printf %s "$text" | head -c "$3" | wc -c)" -eq "$3" ] || exit 126',
    `sh -c ${quoted(lifeline)} towline "$group" >/dev/null 4>&- & watch=$!`,
    `printf %s "$text" | head -c "$3" | (cd -- "$2" 2>&4 || exit 126; exec ${shell} -c "$1" 2>&4 3<&- 4>&-)`,
    'code=$?',
    'kill -KILL "$watch"',
    'exit $code',
  ].join('; ');

/** One line for the account's login shell that runs `command` in its turn. */
export function commandLine(command: string, options: ScriptOptions): string {
  const { stdinBytes, environment } = options;
  const directory = options.directory.startsWith('/') ? options.directory : `./${options.directory}`;
  const shell = options.shell === 'sh' ? 'sh' : '"${SHELL:-sh}"';
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${quoted(value)}`);
  const begin = variables.length === 0 ? '' : `export ${variables.join(' ')}; `;
  const words = [
    'exec',
    'sh',
    '-c',
    quoted(begin + script(shell)),
    'towline',
    quoted(command),
    quoted(directory),
  ];
  return [...words, String(stdinBytes)].join(' ');
}
