import type { Duplex } from 'node:stream';
import { asTowlineError, TowlineError } from '../core/errors.js';
import type { Log } from '../ports.js';
import type { ConnectParameters, JumpHost } from './connect-parameters.js';
import { networkError } from './failure.js';
import { startProxyCommand } from './proxy-command.js';
import { StreamSocket } from './stream-socket.js';
import { Transport, type TransportOptions } from './transport.js';

export interface RouteOptions extends TransportOptions {
  readonly log: Log;
}

/** One connection of several on the way, the target's being the last. */
interface Leg {
  readonly label: string;
  readonly parameters: ConnectParameters;
  /** `null`: this one leads to the target. */
  readonly jump: JumpHost | null;
}

/**
 * The way to a host: one connection, or one to each jump host and, within the last of them, the one to the target. They
 * live and end together.
 */
export class Route {
  readonly #options: RouteOptions;
  readonly #transports: Transport[] = [];
  /** Why it is over: the first reason counts. */
  #over: TowlineError | null = null;

  constructor(options: RouteOptions) {
    this.#options = options;
  }

  /**
   * Connects to the jump hosts, one within the other, and begins to connect to the target itself.
   * @returns the connection to the target, which is not ready yet
   * @throws what a jump host's connection failed with, naming that host
   */
  async reach(parameters: ConnectParameters): Promise<Transport> {
    const legs = await this.#legs(parameters);
    let sock: Duplex | null = null;
    for (const [index, leg] of legs.entries()) {
      const transport = this.#open(leg, sock);
      const next = legs[index + 1];
      if (next === undefined) return transport;
      try {
        await transport.ready;
        await this.#accepted(leg);
        sock = await this.#forward(transport, leg, next);
      } catch (error) {
        this.#end(this.#named(leg, asTowlineError(error)));
        throw this.#over ?? error;
      }
    }
    throw new TowlineError('internal', 'a way without an end');
  }

  /** Says goodbye everywhere, the target first. Resolves when all sockets are closed. */
  async close(reason: TowlineError): Promise<void> {
    this.#over ??= reason;
    for (const transport of this.#transports.toReversed()) await transport.close(reason);
  }

  /** Prepares all attempts, the nearest jump host first. */
  async #legs(parameters: ConnectParameters): Promise<Leg[]> {
    const legs: Leg[] = [{ label: this.#options.label, parameters, jump: null }];
    for (let jump = parameters.jump; jump !== undefined;) {
      const { label } = jump;
      try {
        const leg: Leg = { label, parameters: await jump.connect(), jump };
        legs.unshift(leg);
        jump = leg.parameters.jump;
      } catch (error) {
        throw this.#named({ label }, asTowlineError(error));
      }
    }
    return legs;
  }

  #open({ label, parameters, jump }: Leg, within: Duplex | null): Transport {
    if (this.#over !== null) {
      within?.destroy();
      throw this.#over;
    }
    const { proxyCommand } = parameters;
    const sock = within ?? (proxyCommand === undefined ? null : startProxyCommand(proxyCommand, label));
    const transport = new Transport(
      { ...parameters, ...(sock === null ? {} : { sock }) },
      { ...this.#options, label, ...(jump === null ? {} : { classify: jump.classify }) },
    );
    this.#transports.push(transport);
    transport.onEnd((reason) => this.#end(jump === null ? reason : this.#named({ label }, reason)));
    return transport;
  }

  /** A key that cannot be written down is no reason not to go on: it was accepted. */
  async #accepted({ jump, label }: Leg): Promise<void> {
    try {
      await jump?.accepted();
    } catch (error) {
      const text = asTowlineError(error).message;
      this.#options.log.warn('the host key of a jump host could not be written down', {
        host: label,
        error: text,
      });
    }
  }

  /** A connection from the jump host to the next one, under the deadline of that one's own connection. */
  #forward(transport: Transport, from: Leg, to: Leg): Promise<Duplex> {
    const { clock, connectTimeoutMs } = this.#options;
    const { host, port } = to.parameters;
    const limitMs = to.parameters.connectTimeoutMs ?? connectTimeoutMs;
    return new Promise((resolve, reject) => {
      let waiting = true;
      const fail = (error: TowlineError) => {
        waiting = false;
        cancel();
        reject(error);
      };
      const cancel = clock.timer(limitMs, () => {
        const what = `it did not reach ${host} port ${String(port)} within ${String(Math.round(limitMs / 1000))} s`;
        fail(new TowlineError('network', what, { host: to.label }));
      });
      transport.onEnd(fail);
      transport.startForward(host, port, (error, channel) => {
        if (!waiting) channel?.destroy();
        else if (channel === null)
          fail(notForwarded(from.label, to, error ?? new Error('no reason was given')));
        else {
          waiting = false;
          cancel();
          resolve(
            new StreamSocket({ readable: channel, writable: channel, release: () => channel.destroy() }),
          );
        }
      });
    });
  }

  #named({ label }: Pick<Leg, 'label'>, error: TowlineError): TowlineError {
    const { path, hint, serverText } = error;
    const text = hint === undefined ? error.message : error.message.slice(0, -(hint.length + 2));
    return new TowlineError(error.code, `jump host ${label} on the way to ${this.#options.label}: ${text}`, {
      host: label,
      cause: error,
      ...(path === undefined ? {} : { path }),
      ...(hint === undefined ? {} : { hint }),
      ...(serverText === undefined ? {} : { serverText }),
    });
  }

  /** Ends all of it: what is left of a chain serves nobody. */
  #end(reason: TowlineError): void {
    this.#over ??= reason;
    for (const transport of this.#transports.toReversed()) transport.destroy(this.#over);
  }
}

/** SSH_OPEN_ADMINISTRATIVELY_PROHIBITED (RFC 4254, section 5.1). */
const prohibited = 1;

function notForwarded(jump: string, { label, parameters }: Leg, error: Error): TowlineError {
  const what = `it cannot reach ${parameters.host} port ${String(parameters.port)}`;
  if (!('reason' in error) || error.reason !== prohibited) return networkError(label, what, error);
  return new TowlineError('unsupported', `it does not let us through to ${parameters.host}`, {
    host: label,
    hint: `Have it allowed on ${jump} (AllowTcpForwarding and PermitOpen in its sshd_config)`,
    serverText: error.message,
    cause: error,
  });
}
