import { createHash } from 'node:crypto';

/**
 * A length-prefixed string of the SSH wire format (RFC 4251, section 5).
 * @returns the string and where the next field begins, or `null` where the buffer ends too early
 */
export function readWireString(buffer: Buffer, offset: number): { data: Buffer; next: number } | null {
  if (offset + 4 > buffer.length) return null;
  const next = offset + 4 + buffer.readUInt32BE(offset);
  return next > buffer.length ? null : { data: buffer.subarray(offset + 4, next), next };
}

/** The type a public key in wire format begins with (`ssh-ed25519`, …), or `null` when it is no key. */
export function keyTypeOf(blob: Buffer): string | null {
  const type = readWireString(blob, 0)?.data.toString('latin1') ?? '';
  return /^[\w.@-]+$/.test(type) ? type : null;
}

/** The fingerprint as ssh shows it: `SHA256:` and base64 without padding. */
export function fingerprintOf(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** The name people know a kind of key by: `ED25519`, `RSA`, `ECDSA`; the type itself for others. */
export function keyKindOf(type: string): string {
  if (type.startsWith('ecdsa-sha2-')) return 'ECDSA';
  return type === 'ssh-ed25519' ? 'ED25519' : type === 'ssh-rsa' ? 'RSA' : type;
}
