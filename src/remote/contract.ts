/** What a remote is to those who put pairs together, whatever is behind its name. */
import type { CommandResult, CommandRun, Link, Log, Storage } from '../ports.js';
import type { StartStream } from '../ports-stream.js';

/** What tells one remote from every other one. */
export interface RemoteIdentity {
  readonly user: string;
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

/** A remote of which all is known that can be known without going there. */
export interface Remote {
  /** For people: `dev@box:/srv/app`. */
  readonly label: string;
  readonly identity: RemoteIdentity;
  /** What is certain of its kind: whether commands of the user can run there, and whether it may keep modes and force files to disk. */
  readonly can: { readonly commands: boolean; readonly modes: boolean; readonly fsync: boolean };
  /**
   * Begins to connect. A shell there is used where that is quicker; to show that it sees the same directory a file is made
   * there for a moment where that is allowed (`mayWrite`). The other way takes longer, and needs inotifywait.
   */
  open(how: HowToOpen): OpenRemote;
}

/** Failed attempts to connect, in a row, after which whoever does one thing and ends gives up. */
export const attemptsOnce = 3;

export interface HowToOpen {
  readonly log: Log;
  /** Files of ours may be made there. Default: false. */
  readonly mayWrite?: boolean;
  /** It is known to hold more than a thousand entries. Default: false. */
  readonly large?: boolean;
  /** Failed attempts to connect, in a row. Default: never. */
  readonly giveUpAfter?: number;
}

export interface OpenRemote {
  readonly storage: Storage;
  readonly link: Link;
  /** Starts a script of ours that needs inotifywait; `null` where there is never a shell. */
  readonly inotify: StartStream | null;
  /** @throws `unsupported` where no commands run; otherwise as `Commands.run` */
  run(run: CommandRun): Promise<CommandResult>;
  close(): Promise<void>;
}
