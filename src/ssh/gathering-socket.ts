import { type NetConnectOpts, Socket } from 'node:net';

type Callback = (error?: Error | null) => void;

/**
 * A socket that sends what is written in one go as one piece. ssh2 writes every packet by itself; thousands of small
 * requests cost a system call each without this.
 */
export class GatheringSocket extends Socket {
  #gathering = false;

  /** `connect` gives a socket `Socket`'s own `write` back: this has to be called in its place. */
  dial(options: NetConnectOpts): this {
    this.connect(options);
    Reflect.deleteProperty(this, 'write');
    return this;
  }

  override write(chunk: Uint8Array | string, callback?: Callback): boolean;
  override write(chunk: Uint8Array | string, encoding?: BufferEncoding, callback?: Callback): boolean;
  override write(
    chunk: Uint8Array | string,
    encoding?: BufferEncoding | Callback,
    callback?: Callback,
  ): boolean {
    if (!this.#gathering) {
      this.#gathering = true;
      this.cork();
      process.nextTick(() => {
        this.#gathering = false;
        this.uncork();
      });
    }
    return typeof encoding === 'function' || encoding === undefined
      ? super.write(chunk, encoding ?? callback)
      : super.write(chunk, encoding, callback);
  }
}
