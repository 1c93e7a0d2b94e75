/** Who may log in to the embedded server. It stands by itself so that our declarations need no types of ssh2. */
export interface Authorize {
  /** Default: any name. */
  readonly username?: string;
  /** Lines as in authorized_keys (`ssh-ed25519 AAAA…`) beside the key the server makes; `any`: whoever has a key. */
  readonly publicKeys?: readonly string[] | 'any';
  /** Accepted by the methods password and keyboard-interactive, which are not offered without it. */
  readonly password?: string;
}
