import type { SFTPWrapper } from 'ssh2';

/** OpenSSH answers with at most 256 KiB a packet, and ssh2 reads no longer ones: this is what is left for data. */
const largestDataBytes = 261_120;
/** What every server takes: a packet of 34,000 bytes less what surrounds the data. */
const plainDataBytes = 31_952;
const plainReadBytes = 32_768;

export interface Announced {
  /** Names of the server's extensions, with their data. */
  readonly extensions: ReadonlyMap<string, string>;
  readonly maxWriteBytes: number;
  readonly maxReadBytes: number;
}

/** What the server said about itself when the channel was opened. ssh2 keeps it, but has no public way to ask for it. */
export function announcedBy(sftp: SFTPWrapper): Announced {
  const extensions = new Map<string, string>();
  const kept: unknown = Reflect.get(sftp, '_extensions');
  if (typeof kept === 'object' && kept !== null) {
    for (const [name, data] of Object.entries(kept)) if (typeof data === 'string') extensions.set(name, data);
  }
  // Without limits@openssh.com ssh2 goes by the server's name; we take what the protocol promises.
  const limited = extensions.get('limits@openssh.com') === '1';
  const limitOf = (field: string, plain: number) => {
    const limit: unknown = limited ? Reflect.get(sftp, field) : plain;
    return typeof limit === 'number' && limit > 0 ? Math.min(limit, largestDataBytes) : plain;
  };
  return {
    extensions,
    maxWriteBytes: limitOf('_maxWriteLen', plainDataBytes),
    maxReadBytes: limitOf('_maxReadLen', plainReadBytes),
  };
}
