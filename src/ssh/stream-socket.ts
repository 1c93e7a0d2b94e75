import { Duplex, type Readable, type Writable } from 'node:stream';

export interface StreamSocketParts {
  readonly readable: Readable;
  readonly writable: Writable;
  /** Ends whatever is behind the two; called once. */
  readonly release: () => void;
  /**
   * Called when nothing more can be read or written, for who knows better why and then destroys the socket; default: it
   * ends, with the error of the stream.
   */
  readonly exhausted?: () => void;
}

type Callback = (error?: Error | null) => void;

/**
 * Two streams as one socket that ends when it is told to. A channel of ssh2 is no such thing: its `destroy` only asks the
 * other side to close, and waits for ever where nobody answers.
 */
export class StreamSocket extends Duplex {
  readonly #parts: StreamSocketParts;

  constructor(parts: StreamSocketParts) {
    super({ allowHalfOpen: false });
    this.#parts = parts;
    const { readable, writable, exhausted = () => this.push(null) } = parts;
    readable.on('data', (data: Buffer) => {
      if (!this.push(data)) readable.pause();
    });
    readable.on('error', (error) => this.#failed(error));
    writable.on('error', (error) => this.#failed(error));
    // A channel that is torn down has no `end`.
    readable.once('end', exhausted);
    readable.once('close', exhausted);
  }

  override _read(): void {
    this.#parts.readable.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#pass(chunk, callback);
  }

  /** What piled up meanwhile goes as one piece: ssh2 writes every packet by itself. */
  override _writev(chunks: { chunk: Buffer }[], callback: Callback): void {
    this.#pass(Buffer.concat(chunks.map(({ chunk }) => chunk)), callback);
  }

  override _final(callback: Callback): void {
    this.#parts.writable.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#parts.release();
    callback(error);
  }

  #pass(data: Buffer, callback: Callback): void {
    const { writable, exhausted } = this.#parts;
    // Its error comes as an event as well.
    writable.write(data, (error) => callback(exhausted === undefined ? error : null));
  }

  #failed(error: Error): void {
    if (this.#parts.exhausted === undefined) this.destroy(error);
    else this.#parts.exhausted();
  }
}
