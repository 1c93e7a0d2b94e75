/** What a pair needs to be told: the same names as the flags, in camelCase. Checked and completed by `resolveOptions`. */
import type { Compare } from '../core/compare.js';

/** One filter rule, in the order given on the command line. */
export interface RuleOption {
  readonly type: 'exclude' | 'include';
  /** A pattern as in .gitignore. */
  readonly pattern: string;
  /** Where it came from, for explanations: `--exclude`, or the name of the file it was read from. */
  readonly source: string;
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

export interface PairOptions {
  /** The local folder. */
  readonly local: string;
  /** `[user@]host:path`; the host may be an alias of ssh_config. */
  readonly remote: string;

  /** `-p`. */
  readonly port?: number;
  /** `-i`, most preferred first. */
  readonly identityFiles?: readonly string[];
  /** `-F`: another ssh_config. */
  readonly sshConfig?: string;
  /** Add an unknown host's key to known_hosts instead of refusing. A changed key is refused all the same. */
  readonly acceptNew?: boolean;

  /** Deletions on the source follow on the destination. Default: false. */
  readonly delete?: boolean;
  /** Paths (`100`) or a share of the known ones (`30%`). Default: 50 % and more than 20. */
  readonly maxDelete?: string;
  /** Default: `mtime+size`. */
  readonly compare?: Compare;
  readonly rules?: readonly RuleOption[];
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
  /** Force what was written to disk on the server before it gets its name. Default: false in push. */
  readonly fsync?: boolean;
  /** Content sent and received together, KiB/s. Default: unlimited. */
  readonly bwlimit?: number;
  /** Run after each settled batch, in this order. */
  readonly afterSync?: readonly AfterSyncOption[];

  /** The folder below which the state of all pairs is kept. Default: `$XDG_STATE_HOME/towline`. */
  readonly stateDir?: string;
  /** A changed path is read after this much quiet, ms. Default: 20. */
  readonly settleMs?: number;
  /** …but at the latest this long after its first change, ms. Default: 10,000. */
  readonly settleMaxMs?: number;
  /** A full comparison this often while watching, minutes. Default: 10. */
  readonly rescanMinutes?: number;
}
