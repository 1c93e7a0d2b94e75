/** The technical log: JSON lines by pino for machines, plain lines for people. */
import { pino } from 'pino';
import type { Log, Output } from './context.js';
import type { LineWriter } from './linewriter.js';
import type { OutputFlags } from './options.js';

type Level = 'error' | 'warn' | 'info' | 'debug';
const levels: readonly Level[] = ['error', 'warn', 'info', 'debug'];

/** The level `-q` and `-v` ask for, starting from a command's own. */
export function levelOf(flags: OutputFlags, usual: Level): Level {
  const step = flags.quiet ? -1 : flags.verbose;
  const index = Math.min(Math.max(levels.indexOf(usual) + step, 0), levels.length - 1);
  return levels[index] ?? usual;
}

// The last line of defence: nothing of ours logs these.
const secretFields = ['password', 'passphrase', 'privateKey'].flatMap((name) => [name, `*.${name}`]);

/** How the journal tells levels apart: sd-daemon(3). */
const journalPriorities: Readonly<Record<Level, string>> = {
  error: '<3>',
  warn: '<4>',
  info: '<6>',
  debug: '<7>',
};

/** A log of JSON lines on `output`, written synchronously: none is lost when the process exits or is killed.
 * The journal reads the level of each at its beginning.
 */
export function jsonLog(output: Output, level: Level): Log {
  let priority = '';
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
      redact: { paths: secretFields, censor: '(hidden)' },
    },
    { write: (line) => void output.write(`${priority}${line}`) },
  );
  const at =
    (own: Level) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (output.isJournal === true) priority = journalPriorities[own];
      logger[own](fields, message);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** A log for people, on stderr. */
export function textLog(lines: LineWriter, level: Level): Log {
  const at =
    (own: Level) =>
    (message: string, fields: Record<string, unknown> = {}) => {
      if (levels.indexOf(own) > levels.indexOf(level)) return;
      const details = Object.entries(fields).map(([name, value]) => ` ${name}=${fieldText(value)}`);
      lines.err(
        `${own}: ${message}${details.join('')}`,
        own === 'error' ? 'bad' : own === 'warn' ? 'warn' : 'faint',
      );
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** Code and message only: causes of an error may hold whatever a library put there. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return 'code' in error ? { code: error.code, message: error.message } : { message: error.message };
}

function fieldText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(describeError(value));
}
