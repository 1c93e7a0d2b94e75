import './keep-ciphers.js';
import { BaseAgent, createAgent, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';

/** An agent that holds its answer back (it may be waiting for a person) must not hold the connection back for ever. */
const listTimeoutMs = 10_000;

/** The keys of an agent as ssh2 can use them, in the agent's order. Rejects when the agent cannot be asked. */
export function listAgentKeys(socket: string): Promise<ParsedKey[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the agent does not answer')), listTimeoutMs);
    createAgent(socket).getIdentities((error, keys) => {
      clearTimeout(timer);
      if (error) reject(error);
      // Keys of kinds that ssh2 cannot use are left out by it; what it lists are parsed keys.
      else resolve((keys ?? []).filter(isParsed));
    });
  });
}

function isParsed(key: unknown): key is ParsedKey {
  return typeof key === 'object' && key !== null && 'getPublicSSH' in key;
}

/** One key of an agent, as an agent of its own: so each key is an attempt that can be counted and named. */
export class AgentKey extends BaseAgent<ParsedKey> {
  /** Whether the agent signed with it. */
  signed = false;
  readonly #agent: BaseAgent;
  readonly #key: ParsedKey;
  readonly #refused: () => void;

  /** @param refused called when the agent would not sign with the key */
  constructor(socket: string, key: ParsedKey, refused: () => void) {
    super();
    this.#agent = createAgent(socket);
    this.#key = key;
    this.#refused = refused;
  }

  override getIdentities(callback: (error: Error | null | undefined, keys?: ParsedKey[]) => void): void {
    callback(null, [this.#key]);
  }

  override sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    const done = typeof options === 'function' ? options : callback;
    this.#agent.sign(key, data, typeof options === 'function' ? {} : options, (error, signature) => {
      if (error) this.#refused();
      else this.signed = true;
      done?.(error, signature);
    });
  }
}
