import type { Duplex } from 'node:stream';
import type { ConnectConfig } from 'ssh2';

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
  /** A transport that is connected already (a jump host, a ProxyCommand) in place of TCP; destroyed by us. */
  readonly sock?: Duplex;
}
