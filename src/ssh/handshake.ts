import type { AnyAuthMethod, AuthHandlerMiddleware, ParsedKey } from 'ssh2';
import type { ConnectParameters } from './connect-parameters.js';

/** One method that was tried. */
export interface TriedMethod {
  /** As SSH calls it: `publickey`, `password`, `keyboard-interactive`, `none`. */
  readonly method: string;
  /** The public key, where it was one: in wire format, and its comment. */
  readonly key: { readonly blob: Buffer; readonly comment: string } | null;
  /** An agent, or what acts as one, signs with it. */
  readonly byAgent: boolean;
}

/** Looks over the shoulder of one login: which host key was shown, which methods were tried. Never sees a secret. */
export class Handshake {
  /** The key the server showed, in wire format. */
  hostKey: Buffer | null = null;
  tried: readonly TriedMethod[] = [];

  /** The same parameters, with an eye on them. Forgets the attempt before. */
  observe(parameters: ConnectParameters): ConnectParameters {
    const { hostVerifier, ssh } = parameters;
    this.hostKey = null;
    this.tried = [];
    const { authHandler } = ssh;
    return {
      ...parameters,
      hostVerifier: (key) => {
        // ssh2 owns the buffer and may use it again.
        this.hostKey = Buffer.from(key);
        return hostVerifier(key);
      },
      ssh: typeof authHandler === 'function' ? { ...ssh, authHandler: this.#observed(authHandler) } : ssh,
    };
  }

  /** A handler answers at once, or later by `next`. */
  #observed(handler: AuthHandlerMiddleware): AuthHandlerMiddleware {
    const atOnce: (...given: Parameters<AuthHandlerMiddleware>) => unknown = handler;
    return (left, partial, next) => {
      const answer = atOnce(left, partial, (method) => {
        this.#note(method);
        next(method);
      });
      this.#note(answer);
      return answer;
    };
  }

  #note(method: unknown): void {
    if (!isMethod(method)) return;
    const byAgent = method.type === 'agent';
    this.tried = [
      ...this.tried,
      { method: byAgent ? 'publickey' : method.type, key: keyOf(method), byAgent },
    ];
  }
}

function isMethod(value: unknown): value is AnyAuthMethod {
  return typeof value === 'object' && value !== null && 'type' in value;
}

/** Keys are parsed by the time they are offered, and an agent of ours has one key, which it names at once. */
function keyOf(method: AnyAuthMethod): TriedMethod['key'] {
  if (method.type === 'publickey') return isParsed(method.key) ? describe(method.key) : null;
  if (method.type !== 'agent' || typeof method.agent === 'string') return null;
  const found: TriedMethod['key'][] = [];
  method.agent.getIdentities((_error, keys) => {
    const [key] = keys ?? [];
    if (isParsed(key)) found.push(describe(key));
  });
  return found[0] ?? null;
}

function isParsed(key: unknown): key is ParsedKey {
  return typeof key === 'object' && key !== null && 'getPublicSSH' in key;
}

function describe(key: ParsedKey): NonNullable<TriedMethod['key']> {
  return { blob: Buffer.from(key.getPublicSSH()), comment: key.comment };
}
