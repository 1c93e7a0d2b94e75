/** What a pair needs to be told: the same names as the flags, in camelCase. Checked and completed by `resolveOptions`. */
import type { Compare } from '../core/compare.js';
import type { ConflictPolicy, DriftPolicy, Mode } from '../core/policy.js';
import type { Transport } from './transport.js';

/** One filter rule, in the order given on the command line. */
export interface RuleOption {
  /** Whether what matches is left out, or is not. */
  readonly type: 'exclude' | 'include';
  /** A pattern as in .gitignore. */
  readonly pattern: string;
  /** Where it came from, for explanations: `--exclude`, or the name of the file it was read from. Default: `the options`. */
  readonly source?: string;
  /** From 1; where it stands in that file. */
  readonly line?: number;
  /** It holds for one direction: what matches is not sent (`up`), or not brought (`down`). Default: for both. */
  readonly only?: 'up' | 'down';
}

/**
 * A command that runs once per settled batch, after the changes are on the other side, in the root of the side it runs on.
 * On its standard input it finds the changed paths, one per line, relative to the root (`xargs -d '\n'`). Names that hold
 * a newline are left out, as are those beyond 10,000; TOWLINE_PATHS_OMITTED says how many.
 */
export interface AfterSyncOption {
  /** For a shell: `/bin/sh -c` here, the login shell of the account on the server. */
  readonly command: string;
  /** Where it runs. Default: `local`. */
  readonly where?: 'local' | 'remote';
  /** Patterns as in .gitignore: it runs only when a path of the batch matches one. Default: it runs for every batch. */
  readonly patterns?: readonly string[];
  /** It is ended when it takes longer, seconds. Default: 60. */
  readonly timeoutSeconds?: number;
}

/** What a command is told that the library is not. */
export interface CommandOptions {
  /** Repeat a one-shot command this often: `30s`, `15m`, `1h`, `1d`. */
  readonly every?: string;
}

/** What a pair needs to be told, with lists where `SyncOptions` takes single values too. */
export interface PairOptions {
  /** The local folder. */
  readonly local: string;
  /** `[user@]host:path`; the host may be an alias of ssh_config. */
  readonly remote: string;

  /** Which way changes go. Default: `push`. */
  readonly mode?: Mode;

  /** `-p`. */
  readonly port?: number;
  /** `-i`, most preferred first. */
  readonly identityFiles?: readonly string[];
  /** `-F`: another ssh_config. */
  readonly sshConfig?: string;
  /** Add an unknown host's key to known_hosts instead of refusing. A changed key is refused all the same. */
  readonly acceptNew?: boolean;
  /** A file that holds the password; nobody else may read it. Beside it: TOWLINE_PASSWORD, and systemd's credentials. */
  readonly passwordFile?: string;
  /** A command for the shell that prints the password, in place of `passwordFile`. */
  readonly passwordCommand?: string;
  /** A file that holds the passphrase of the key files. Beside it: TOWLINE_PASSPHRASE, and systemd's credentials. */
  readonly passphraseFile?: string;

  /** Deletions follow on the other side. Default: false; in `two-way` true. The backup modes never delete. */
  readonly delete?: boolean;
  /** Paths (`100`) or a share of the known ones (`30%`). Default: 50 % and more than 20. */
  readonly maxDelete?: string;
  /** What is done about a file that both sides changed (two-way). Default: `keep-both`. */
  readonly conflict?: ConflictPolicy;
  /** Versions kept beside one file, at most; then its conflicts wait for a person. Default: 10. */
  readonly maxConflictCopies?: number;
  /** What is done about changes that others made on the side that only follows. Default: `overwrite`. */
  readonly onDrift?: DriftPolicy;
  /** Default: `mtime+size`. */
  readonly compare?: Compare;
  /** Filter rules in their order: of those that match, the last one decides. */
  readonly rules?: readonly RuleOption[];
  /** Files larger than this on either side are left alone: `500k`, `10M`, `1.5G` (multiples of 1024). Default: no limit. */
  readonly maxSize?: string;
  /** Honour .gitignore files too. Default: false. */
  readonly gitignore?: boolean;
  /** Sync editors' droppings (swap files, probes, backups) too. Default: false. */
  readonly editorFiles?: boolean;
  /** As rsync's: `D755,F644`, `u+rwX,go-w`. */
  readonly chmod?: string;
  /** Make missing parents of the remote folder too. */
  readonly mkpath?: boolean;
  /** Transfer files that are equal, too. */
  readonly force?: boolean;
  /** What is checked of each file after it was carried over: `checksum` reads it there once more. Default: `none`. */
  readonly verify?: 'none' | 'size' | 'checksum';
  /** Force what was written to disk before it gets its name. Default: false; in `two-way` true. */
  readonly fsync?: boolean;
  /** Content sent and received together, KiB/s. Default: unlimited. */
  readonly bwlimit?: number;
  /** Operations on files under way at once, whole number from 1. Default: by their size, 4 to 192. */
  readonly concurrency?: number;
  /**
   * What carries contents. `rsync`: a one-shot `push` or `pull` runs the rsync of both ends over ssh, with keys only.
   * Default: `sftp`.
   */
  readonly transport?: Transport;
  /** Run after each settled batch, in this order. */
  readonly afterSync?: readonly AfterSyncOption[];

  /** The folder below which the state of all pairs is kept. Default: `$XDG_STATE_HOME/towline`. */
  readonly stateDir?: string;
  /** A changed path is read after this much quiet, ms. Default: 20. */
  readonly settleMs?: number;
  /** …but at the latest this long after its first change, ms. Default: 10,000. */
  readonly settleMaxMs?: number;
  /** Look for changes on the server this often while watching, seconds, in modes that bring them here. Default: 15. */
  readonly remotePollSeconds?: number;
  /** A full comparison this often while watching, minutes. Default: 10. */
  readonly rescanMinutes?: number;
}
