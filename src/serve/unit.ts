/** The text of a systemd unit for one pair, for a user's own service manager. */
import { TowlineError } from '../core/errors.js';

export interface UnitParts {
  readonly description: string;
  /** Where it runs; relative arguments start there. Absolute. */
  readonly folder: string;
  /** The program (absolute) and its arguments. */
  readonly command: readonly string[];
  /** Says which pair it is for, in one word, to be recognised by `unitPair`. */
  readonly pair: string;
}

const pairMark = '# Pair: ';

/**
 * The unit. Its exit codes: 2 (configuration) and 3 (authentication, host key) need a person, all others another try.
 * @throws `configuration` when a name cannot stand in a unit
 */
export function userUnit({ description, folder, command, pair }: UnitParts): string {
  return `# Written by 'towline service'; run it again to change it.
${pairMark}${pair}
[Unit]
Description=${plainValue(description)}
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
WorkingDirectory=${plainValue(folder)}
ExecStart=${command.map(quotedWord).join(' ')}
Restart=on-failure
RestartSec=10
RestartPreventExitStatus=2 3
WatchdogSec=60
TimeoutStartSec=120
TimeoutStopSec=15
KillMode=mixed
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native

[Install]
WantedBy=default.target
`;
}

/** Which pair a unit is for; `null` when this module did not write it. */
export function unitPair(text: string): string | null {
  const line = text.split('\n').find((one) => one.startsWith(pairMark));
  return line === undefined ? null : line.slice(pairMark.length);
}

/** A value that systemd takes as it stands, but for specifiers (systemd.unit(5)). */
function plainValue(text: string): string {
  if (/[\p{Cc}\p{Cs}]/u.test(text) || text.trim() !== text || text.endsWith('\\')) {
    throw new TowlineError('configuration', `'${text}' cannot stand in a systemd unit`, {
      hint: 'Use names without control characters and without blanks at either end',
    });
  }
  return text.replaceAll('%', '%%');
}

/** One word of a command line (systemd.service(5), "Command lines"): quoted, with no specifier or variable in it. */
function quotedWord(text: string): string {
  if (/^[\w./:=@,+-]+$/.test(text)) return text;
  const escaped = text
    .replace(/["\\]/g, '\\$&')
    .replace(/\p{Cc}/gu, (character) => {
      const code = character.codePointAt(0) ?? 0;
      return code < 0x80
        ? `\\x${code.toString(16).padStart(2, '0')}`
        : `\\u${code.toString(16).padStart(4, '0')}`;
    })
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$');
  return `"${escaped}"`;
}
