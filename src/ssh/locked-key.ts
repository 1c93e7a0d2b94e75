import './keep-ciphers.js';
import ssh2, { BaseAgent, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';
import { type KeyFile, unlockKey } from './key-file.js';
import type { LoginState } from './login-state.js';
import type { Secrets } from './secrets.js';

/** Tries that a person has for the passphrase of one key, as with ssh. */
const triesMax = 3;

/**
 * The private key of an encrypted file: remembered, by the configured passphrase, or by one that is asked for. An empty
 * answer passes the key over.
 * @returns the key, or why there is none, for the message
 * @throws TowlineError `configuration`, `interrupted`
 */
export async function unlock({ path, locked }: KeyFile, secrets: Secrets): Promise<ParsedKey | string> {
  const known = secrets.unlocked.get(path);
  if (known !== undefined) return known;
  if (locked === null) return 'encrypted';
  const keep = (key: ParsedKey) => {
    secrets.unlocked.set(path, key);
    return key;
  };
  const { passphrase } = secrets;
  if (passphrase !== null) {
    const key = unlockKey(locked, await secrets.read(passphrase));
    if (key !== null) return keep(key);
  }
  for (let tries = 0; tries < triesMax && secrets.prompts !== null; tries++) {
    const again = tries === 0 ? '' : 'That passphrase does not fit.\n';
    const typed = await secrets.ask(`${again}Passphrase for ${path}: `, true, secrets.prompts);
    if (typed === '') return 'encrypted, and no passphrase was given';
    const key = unlockKey(locked, typed);
    if (key !== null) return keep(key);
  }
  if (passphrase !== null) return `encrypted, and the passphrase from ${passphrase.name} does not fit`;
  return secrets.prompts === null ? 'encrypted' : 'encrypted, and no passphrase that was given fits';
}

/**
 * An encrypted key as an agent of its own: ssh2 shows an agent's public key to the server first and asks for a signature
 * once the server would take it, so the passphrase is asked for only then.
 */
export class LockedKey extends BaseAgent<ParsedKey> {
  /** Whether it was signed with. */
  signed = false;
  readonly #key: ParsedKey;
  readonly #unlock: () => Promise<ParsedKey | Error>;

  readonly #state: LoginState;

  /** @param unlock the private key, or why there is none */
  constructor(key: ParsedKey, unlock: () => Promise<ParsedKey | Error>, state: LoginState) {
    super();
    this.#state = state;
    this.#key = key;
    this.#unlock = unlock;
  }

  override getIdentities(callback: (error: Error | null | undefined, keys?: ParsedKey[]) => void): void {
    callback(null, [this.#key]);
  }

  override sign(
    _key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : callback;
    const hash = typeof options === 'function' ? undefined : options.hash;
    void this.#unlock().then((key) => {
      // ssh2 also returns errors here, against its types.
      const signature: unknown = key instanceof Error ? key : key.sign(data, hash);
      this.signed = Buffer.isBuffer(signature);
      this.#state.answer(() => {
        if (Buffer.isBuffer(signature)) done?.(null, signature);
        else done?.(signature instanceof Error ? signature : new Error('the key does not sign'));
      });
    });
  }
}

/** A public key (wire format) as ssh2 wants it; `null` for a kind that it does not know. */
export function publicKeyFor(blob: Buffer): ParsedKey | null {
  const key = ssh2.utils.parseKey(blob);
  return key instanceof Error ? null : key;
}
