/** One SFTP session: requests in, one after the other; replies out. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerChannel } from 'ssh2';
import type { Confinement } from './confine.js';
import type { Faults, SeenRequest } from './faults.js';
import { HandleTable } from './handles.js';
import { MalformedPacket, PacketCutter } from './packet.js';
import { perform } from './perform.js';
import { encodeReply, encodeVersion, type Reply } from './reply.js';
import {
  decode,
  type ExtensionName,
  extensionVersions,
  initType,
  type Numbered,
  type Request,
} from './request.js';
import { lastOfFirstRun, seenRequest } from './seen.js';

export interface SessionOptions {
  readonly channel: ServerChannel;
  readonly confinement: Confinement;
  /** Asked anew for every request. */
  readonly faults: () => Faults;
  readonly extensions: readonly ExtensionName[];
  readonly symlinkTargetFirst: boolean;
  /** Destroys the connection below the channel. */
  readonly dropConnection: () => void;
  /** Counts one request: how many there were, and how many of its kind. */
  readonly count: (request: Request) => Pick<SeenRequest, 'number' | 'numberOfKind'>;
}

/** Requests that wait hold at most about this much before the channel is no longer read, bytes. */
const waitingBytesMax = 4 * 1024 * 1024;
/** How long the fault `outOfOrder` waits for a neighbour that it can do first, ms. */
const neighbourMs = 5;

/**
 * Serves a channel from now on. Requests are done strictly in order. As with OpenSSH, those that have arrived are done
 * even when the client is gone by then; only `abort` ends that.
 */
export class Session {
  /** Settles when the channel is closed and nothing is under way; rejects on a bug (of a fault's function, too). */
  readonly ended: Promise<void>;
  readonly #options: SessionOptions;
  readonly #channel: ServerChannel;
  readonly #cutter = new PacketCutter();
  readonly #handles = new HandleTable();
  readonly #whenAborted = Promise.withResolvers<undefined>();
  #aborted = false;
  readonly #closed = Promise.withResolvers<undefined>();
  #waiting: { readonly numbered: Numbered; readonly bytes: number }[] = [];
  #waitingBytes = 0;
  #greeted = false;
  #working: Promise<void> | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#channel = options.channel;
    this.#channel.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#channel.on('end', () => void this.#finish());
    // A socket that breaks is reported here as well as by `close`, which follows.
    this.#channel.on('error', () => this.#channel.destroy());
    this.#channel.on('close', () => this.#closed.resolve(undefined));
    this.ended = this.#end();
  }

  /** Forgets what waits and closes the channel. */
  abort(): void {
    this.#aborted = true;
    this.#whenAborted.resolve(undefined);
    this.#waiting = [];
    this.#channel.destroy();
    this.#closed.resolve(undefined);
  }

  /** The client sends no more: what waits is still answered. */
  async #finish(): Promise<void> {
    await Promise.allSettled([this.#working]);
    this.#channel.exit(0);
    this.#channel.destroy();
  }

  async #end(): Promise<void> {
    await this.#closed.promise;
    try {
      await this.#working;
    } finally {
      this.#handles.closeAll();
    }
  }

  #receive(chunk: Buffer): void {
    try {
      for (const packet of this.#cutter.push(chunk)) this.#accept(packet);
    } catch (error) {
      if (!(error instanceof MalformedPacket)) throw error;
      this.#channel.destroy();
      return;
    }
    if (this.#waitingBytes > waitingBytesMax) this.#channel.pause();
    if (this.#working === null && this.#waiting.length > 0) {
      this.#working = this.#work();
      // The failure is told by `ended`; here it only must not pass for unhandled before that is awaited.
      this.#working.catch(() => this.abort());
    }
  }

  #accept(packet: Buffer): void {
    if (!this.#greeted) {
      if (packet[0] !== initType) throw new MalformedPacket('a request ahead of INIT');
      this.#greeted = true;
      this.#channel.write(
        encodeVersion(this.#options.extensions.map((name) => [name, extensionVersions[name]])),
      );
      return;
    }
    const extensions = new Set<string>(this.#options.extensions);
    const numbered = decode(packet, { extensions, symlinkTargetFirst: this.#options.symlinkTargetFirst });
    this.#waiting.push({ numbered, bytes: packet.length });
    this.#waitingBytes += packet.length;
  }

  async #work(): Promise<void> {
    for (;;) {
      if (this.#options.faults().outOfOrder === true) await sleep(neighbourMs);
      const next = this.#take();
      if (next === undefined) break;
      await this.#serve(next);
    }
    this.#working = null;
  }

  #take(): Numbered | undefined {
    const index = this.#options.faults().outOfOrder === true ? lastOfFirstRun(this.#waiting) : 0;
    const [taken] = this.#waiting.splice(index, 1);
    if (taken === undefined) return undefined;
    this.#waitingBytes -= taken.bytes;
    if (this.#waitingBytes < waitingBytesMax / 2) this.#channel.resume();
    return taken.numbered;
  }

  async #serve({ id, request }: Numbered): Promise<void> {
    const faults = this.#options.faults();
    const seen = seenRequest(request, this.#handles, this.#options.count(request));
    const delay = faults.delay?.(seen);
    if (delay !== undefined) await Promise.race([delay, this.#whenAborted.promise]);
    if (this.#aborted) return;
    const drop = faults.dropConnection?.(seen);
    if (drop === 'before') {
      this.#drop();
      return;
    }
    if (faults.closeChannel?.(seen) === true) {
      this.abort();
      return;
    }
    const refused = faults.refuse?.(seen);
    const work = { confinement: this.#options.confinement, handles: this.#handles, faults };
    const reply: Reply =
      refused === undefined ? await perform(work, request) : { type: 'status', status: refused };
    if (drop === 'after') this.#drop();
    else if (faults.loseReply?.(seen) !== true) await this.#send(encodeReply(id, reply));
  }

  #drop(): void {
    this.abort();
    this.#options.dropConnection();
  }

  /** Resolves when the channel has room again, or is gone. */
  async #send(packet: Buffer): Promise<void> {
    if (!this.#channel.writable || this.#channel.write(packet)) return;
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const drained = () => resolve(undefined);
    this.#channel.once('drain', drained);
    await Promise.race([promise, this.#closed.promise]);
    this.#channel.off('drain', drained);
  }
}
