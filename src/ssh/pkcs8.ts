import { createPrivateKey, type KeyObject } from 'node:crypto';

/** What ssh2 reads of each kind that PKCS #8 can hold; others (ed448, DSA, …) are no use to it. */
const olderForms: Readonly<Record<string, (key: KeyObject) => string>> = {
  rsa: (key) => key.export({ type: 'pkcs1', format: 'pem' }).toString(),
  ec: (key) => key.export({ type: 'sec1', format: 'pem' }).toString(),
  ed25519: (key) => openSshForm(key),
};

/** Whether this is a PKCS #8 file (RFC 5958, RFC 7468), encrypted or not. */
export function isPkcs8(data: Buffer): boolean {
  return /^-----BEGIN (?:ENCRYPTED )?PRIVATE KEY-----/m.test(data.toString('latin1'));
}

/**
 * A PKCS #8 key in a form that ssh2 reads, without a passphrase; `null` when the passphrase does not fit or the key is of
 * no kind that SSH uses.
 */
export function fromPkcs8(data: Buffer, passphrase?: string): string | null {
  if (!isPkcs8(data)) return null;
  try {
    const key = createPrivateKey({ key: data, format: 'pem', ...(passphrase && { passphrase }) });
    return olderForms[key.asymmetricKeyType ?? '']?.(key) ?? null;
  } catch {
    // Not a key after all, or not by this passphrase: the caller says which file it was.
    return null;
  }
}

/** OpenSSH's own format (PROTOCOL.key), unencrypted, of an ed25519 key. */
function openSshForm(key: KeyObject): string {
  const { d = '', x = '' } = key.export({ format: 'jwk' });
  const [seed, point] = [Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')];
  const type = Buffer.from('ssh-ed25519');
  const check = Buffer.alloc(8);
  const secret = Buffer.concat([
    check,
    ...[type, point, Buffer.concat([seed, point]), Buffer.alloc(0)].map(wireString),
  ]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7]).subarray(0, (8 - (secret.length % 8)) % 8);
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...[Buffer.from('none'), Buffer.from('none'), Buffer.alloc(0)].map(wireString),
    Buffer.from([0, 0, 0, 1]),
    wireString(Buffer.concat([type, point].map(wireString))),
    wireString(Buffer.concat([secret, padding])),
  ]);
  const lines = body.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join(
    '\n',
  );
}

function wireString(data: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, data]);
}
