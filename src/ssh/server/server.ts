/**
 * An SFTP server within this process: for the demo, where it needs nothing installed, and for tests, where it
 * misbehaves on demand. Not for production: it holds its keys in memory and does file work on the event loop.
 *
 * It uses ssh2's server for SSH and its own SFTP above, because ssh2's SFTP server can offer no extensions.
 */
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { type AddressInfo, createServer, type Server as Listener, type Socket } from 'node:net';
import '../keep-ciphers.js';
import ssh2, { type ServerChannel } from 'ssh2';
import { TowlineError } from '../../core/errors.js';
import { authenticate } from './authenticate.js';
import type { Authorize } from './authorize.js';
import { Confinement } from './confine.js';
import type { Faults } from './faults.js';
import { freshKeyPair, keyPairOf, type KeyPair } from './keys.js';
import { type ExtensionName, extensionVersions, type Request, type RequestKind } from './request.js';
import { Session } from './session.js';

/** How an embedded server is to be. */
export interface SftpServerOptions {
  /** The folder that clients see as `/`. */
  readonly root: string;
  /** Default: 127.0.0.1. */
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Private key in OpenSSH format. Default: a fresh ed25519 one. */
  readonly hostKey?: string;
  /** Default: the key that the server makes for its client (`clientKey`), under any name. */
  readonly authorize?: Authorize;
  /**
   * How it misbehaves, for tests of ours.
   * @internal
   */
  readonly faults?: Faults;
  /**
   * Which extensions it offers. Default: all that it knows.
   * @internal
   */
  readonly extensions?: readonly ExtensionName[];
}

/** An embedded server that runs. */
export interface SftpServer {
  /** The address it listens on. */
  readonly host: string;
  /** The port it listens on. */
  readonly port: number;
  /** The folder that clients see as `/`: its real path. */
  readonly root: string;
  /** The public part: `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** The private part, to start another server with the same identity. */
  readonly privateHostKey: string;
  /** A line for known_hosts, without a line end. */
  readonly knownHostsLine: string;
  /** A private key (OpenSSH format, no passphrase) that it accepts. */
  readonly clientKey: string;
  /** TCP connections open now. */
  readonly connections: number;
  /**
   * From the next request on, in all sessions.
   * @internal
   */
  setFaults(faults: Faults): void;
  /** Destroys all connections; the server goes on. */
  dropConnections(): void;
  /** Ends everything and frees the port. Rejects with a bug that showed while it served. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a server; resolves once it listens.
 * @throws TowlineError `configuration` when the folder is missing, the key is unreadable or the port cannot be had
 */
export async function startSftpServer(options: SftpServerOptions): Promise<SftpServer> {
  const host = options.host ?? '127.0.0.1';
  const root = realRoot(options.root);
  const hostKey = options.hostKey === undefined ? freshKeyPair() : givenHostKey(options.hostKey);
  const service = new Service(options, root, hostKey);
  const port = await listen(service.listener, host, options.port ?? 0);
  const name = port === 22 ? host : `[${host}]:${port}`;
  return {
    host,
    port,
    root,
    hostKey: hostKey.publicKey,
    privateHostKey: hostKey.privateKey,
    knownHostsLine: `${name} ${hostKey.publicKey}`,
    clientKey: service.clientKey.privateKey,
    get connections() {
      return service.sockets.size;
    },
    setFaults: (faults) => (service.faults = faults),
    dropConnections: () => service.dropConnections(),
    stop: () => service.stop(),
  };
}

/** The server's life: sockets, SSH connections, sessions. */
class Service {
  readonly listener: Listener;
  readonly clientKey = freshKeyPair();
  readonly sockets = new Set<Socket>();
  faults: Faults;
  readonly #options: SftpServerOptions;
  readonly #confinement: Confinement;
  readonly #hostKey: KeyPair;
  readonly #sessions = new Map<Session, Promise<void>>();
  readonly #bugs: unknown[] = [];
  readonly #counts = new Map<RequestKind, number>();
  #requests = 0;
  #stopped: Promise<void> | null = null;

  constructor(options: SftpServerOptions, root: string, hostKey: KeyPair) {
    this.#options = options;
    this.#confinement = new Confinement(root);
    this.#hostKey = hostKey;
    this.faults = options.faults ?? {};
    this.listener = createServer({ noDelay: true }, (socket) => this.#connected(socket));
  }

  dropConnections(): void {
    for (const session of this.#sessions.keys()) session.abort();
    for (const socket of this.sockets) socket.destroy();
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    const closed = [
      once(this.listener, 'close'),
      ...[...this.sockets].map((socket) => once(socket, 'close')),
    ];
    this.listener.close();
    this.dropConnections();
    await Promise.all(closed);
    await Promise.all(this.#sessions.values());
    if (this.#bugs.length > 0) throw this.#bugs[0];
  }

  /** One ssh2 server per socket, so that a session knows the socket it runs over. */
  #connected(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    const server = new ssh2.Server({ hostKeys: [this.#hostKey.privateKey] }, (client, info) => {
      // A client that breaks off is its own affair; `close` follows.
      client.on('error', () => socket.destroy());
      client.on('authentication', (context) =>
        authenticate(context, this.#options.authorize ?? {}, this.clientKey.publicKey),
      );
      const isOpenSsh = info.header.versions.software.startsWith('OpenSSH');
      client.on('session', (accept) => {
        accept().on('subsystem', (acceptChannel, reject, { name }) => {
          if (name === 'sftp') this.#serve(acceptChannel(), socket, isOpenSsh);
          else reject();
        });
      });
    });
    server.injectSocket(socket);
  }

  #serve(channel: ServerChannel, socket: Socket, isOpenSsh: boolean): void {
    const session = new Session({
      channel,
      confinement: this.#confinement,
      faults: () => this.faults,
      extensions: this.#options.extensions ?? (Object.keys(extensionVersions) as ExtensionName[]),
      symlinkTargetFirst: isOpenSsh,
      dropConnection: () => socket.destroy(),
      count: (request) => this.#count(request),
    });
    const ended = session.ended
      .catch((error: unknown) => void this.#bugs.push(error))
      .finally(() => this.#sessions.delete(session));
    this.#sessions.set(session, ended);
  }

  #count(request: Request): { number: number; numberOfKind: number } {
    const numberOfKind = (this.#counts.get(request.kind) ?? 0) + 1;
    this.#counts.set(request.kind, numberOfKind);
    return { number: ++this.#requests, numberOfKind };
  }
}

function realRoot(root: string): string {
  try {
    return realpathSync(root);
  } catch (error) {
    throw new TowlineError('configuration', `the folder to serve cannot be opened: ${root}`, {
      path: root,
      hint: 'Make it first, or name another one',
      cause: error,
    });
  }
}

function givenHostKey(privateKey: string): KeyPair {
  try {
    return keyPairOf(privateKey);
  } catch (error) {
    throw new TowlineError('configuration', 'the host key given to the embedded server cannot be read', {
      hint: 'Give an unencrypted private key in OpenSSH format',
      cause: error,
    });
  }
}

async function listen(listener: Listener, host: string, port: number): Promise<number> {
  try {
    listener.listen(port, host);
    await once(listener, 'listening');
  } catch (error) {
    throw new TowlineError('configuration', `cannot listen on ${host}, port ${port}`, {
      host,
      hint: 'Choose another port, or 0 for a free one',
      cause: error,
    });
  }
  return (listener.address() as AddressInfo).port;
}
