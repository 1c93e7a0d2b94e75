/**
 * Keeps ssh2's native ciphers from the garbage collector; to be imported before ssh2 is.
 *
 * Built with the headers of Node 24.19 or newer, their destructor aborts the process when the collector runs it between two
 * turns of the event loop (nodejs/node#65446, mscdex/ssh2#1511): an agent that had reconnected died once it had nothing to
 * do. ssh2 frees what they hold by itself; what stays is some 400 bytes each, two for each key exchange.
 */
import { createRequire } from 'node:module';

type Constructor = new (...args: unknown[]) => object;

function binding(): Record<string, Constructor> {
  try {
    return createRequire(import.meta.url)('ssh2/lib/protocol/crypto/build/Release/sshcrypto.node') as Record<
      string,
      Constructor
    >;
  } catch {
    // Not built, or not for this Node: ssh2 goes on without it.
    return {};
  }
}

function keepCiphers(): void {
  const kept: object[] = [];
  const native = binding();
  for (const [name, constructor] of Object.entries(native)) {
    native[name] = new Proxy(constructor, {
      construct: (target, args: unknown[]) => {
        const made = new target(...args);
        kept.push(made);
        return made;
      },
    });
  }
}

keepCiphers();
