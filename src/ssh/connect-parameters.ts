import type { Duplex } from 'node:stream';
import type { ConnectConfig } from 'ssh2';
import type { TowlineError } from '../core/errors.js';
import type { ProxyCommand } from './proxy-command.js';

/** A host through which another one is reached. */
export interface JumpHost {
  /** For messages. */
  readonly label: string;
  readonly connect: () => Promise<ConnectParameters>;
  /** As for the connection itself: what an error of ssh2 is to the identity layer. */
  readonly classify: (error: Error) => TowlineError | null;
  /** Called when its connection is ready. */
  readonly accepted: () => Promise<void>;
}

/** All that one attempt to connect needs to know; asked for anew before each attempt. */
export interface ConnectParameters {
  readonly host: string;
  readonly port: number;
  /** 4 or 6: only addresses of that family. */
  readonly family?: 4 | 6;
  /** Our own address to connect from. */
  readonly localAddress?: string;
  /**
   * Whether this raw host key (SSH wire format) is the right one. Asked again on every rekey: must not prompt. There is no
   * default, because ssh2 accepts every host without one.
   */
  readonly hostVerifier: (key: Buffer) => boolean;
  /** Handed to ssh2 as they are. */
  readonly ssh: Pick<
    ConnectConfig,
    | 'username'
    | 'authHandler'
    | 'algorithms'
    | 'privateKey'
    | 'passphrase'
    | 'password'
    | 'agent'
    | 'tryKeyboard'
  >;
  /** Whether a person is being asked for a secret just now: logging in takes as long as that takes. */
  readonly asking?: () => boolean;
  /** Called when the connection, or the attempt, is over. */
  readonly ended?: () => void;
  /** Through which it is reached; that one may have a jump host of its own. */
  readonly jump?: JumpHost;
  /** Carries the connection in place of TCP; not together with `jump`. */
  readonly proxyCommand?: ProxyCommand;
  /** ConnectTimeout: goes before the usual limit for TCP, key exchange and host key. */
  readonly connectTimeoutMs?: number;
  /** ServerAliveInterval and ServerAliveCountMax; without them the usual limits. */
  readonly serverAlive?: { readonly intervalMs: number; readonly countMax: number };
  /** A transport that is connected already in place of TCP; destroyed by us. */
  readonly sock?: Duplex;
}
