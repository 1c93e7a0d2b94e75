/** Keys for a server and its clients. */
// Node finds only some of the names that this CommonJS package exports.
import '../keep-ciphers.js';
import ssh2 from 'ssh2';

export interface KeyPair {
  /** OpenSSH format, without a passphrase. */
  readonly privateKey: string;
  /** `ssh-ed25519 AAAA…`, without a comment. */
  readonly publicKey: string;
}

/** The length of an ed25519 public key in SSH's format: two lengths, the type's name, 32 bytes of key. */
const publicKeyBytes = 4 + 'ssh-ed25519'.length + 4 + 32;

/** A fresh ed25519 pair. */
export function freshKeyPair(): KeyPair {
  for (;;) {
    const made = ssh2.utils.generateKeyPairSync('ed25519');
    // ssh2 1.17 cuts leading zero bytes off the public key: one pair in 256 is unusable.
    const length = Buffer.from(made.public.split(' ')[1] ?? '', 'base64').length;
    if (length === publicKeyBytes) return keyPairOf(made.private);
  }
}

/**
 * The pair of a private key.
 * @throws Error when it cannot be read
 */
export function keyPairOf(privateKey: string): KeyPair {
  const key = ssh2.utils.parseKey(privateKey);
  if (key instanceof Error) throw key;
  return { privateKey, publicKey: `${key.type} ${key.getPublicSSH().toString('base64')}` };
}

/** Whether `signature` over `signed` was made with this public key (SSH's format). */
export function isSignedBy(publicKey: Buffer, signed: Buffer, signature: Buffer, hash?: string): boolean {
  const type = publicKey.subarray(4, 4 + publicKey.readUInt32BE(0)).toString();
  const key = ssh2.utils.parseKey(`${type} ${publicKey.toString('base64')}`);
  if (key instanceof Error) return false;
  // ssh2 also returns errors here, against its types.
  const verified: unknown = key.verify(signed, signature, hash);
  return verified === true;
}
