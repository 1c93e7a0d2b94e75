import type { SFTPWrapper } from 'ssh2';
import { asTowlineError } from '../core/errors.js';
import type { ByteWindow } from './byte-window.js';
import type { Handle } from './channel.js';
import type { Done, Requests, Subject } from './requests.js';
import { Written } from './written.js';

/** File content over one channel, in pieces, inside its byte window. */
export class DataTransfer {
  readonly #sftp: SFTPWrapper;
  readonly #requests: Requests;
  readonly #window: ByteWindow;

  constructor(sftp: SFTPWrapper, requests: Requests, window: ByteWindow) {
    this.#sftp = sftp;
    this.#requests = requests;
    this.#window = window;
  }

  /** As `SftpChannel.write`; pieces are at most `maxBytes`, smaller ones on a slow link. */
  async write(
    subject: Subject,
    handle: Handle,
    data: Buffer,
    offset: number,
    maxBytes: number,
  ): Promise<{ acknowledged: Promise<void> }> {
    const written = new Written();
    for (let at = 0; at < data.length;) {
      const length = Math.min(data.length - at, maxBytes, this.#window.pieceBytes);
      const room = this.#window.room(length);
      if (room !== null) await room;
      if (written.failure !== null) {
        this.#window.unused(length);
        throw written.failure;
      }
      this.#writePiece(subject, handle, { data, at, length, position: offset + at }, written);
      at += length;
    }
    written.allSent();
    return { acknowledged: written.acknowledged };
  }

  /** As `SftpChannel.read`; asks for at most `maxBytes`, less on a slow link. */
  async read(
    subject: Subject,
    handle: Handle,
    offset: number,
    length: number,
    maxBytes: number,
  ): Promise<Buffer> {
    const bytes = Math.min(length, maxBytes, this.#window.pieceBytes);
    if (bytes <= 0) return Buffer.alloc(0);
    const room = this.#window.room(bytes);
    if (room !== null) await room;
    const taken = this.#window.sent(bytes);
    try {
      return await this.#requests.send(subject, (done: Done<Buffer>) =>
        // At the end of the file ssh2 gives an empty part, not an error.
        this.#sftp.read(handle, Buffer.allocUnsafe(bytes), 0, bytes, offset, (error, _count, part) =>
          done(error, part),
        ),
      );
    } finally {
      this.#window.answered(taken);
    }
  }

  #writePiece(
    subject: Subject,
    handle: Handle,
    piece: { data: Buffer; at: number; length: number; position: number },
    written: Written,
  ): void {
    const taken = this.#window.sent(piece.length);
    written.sent();
    this.#requests
      .send<undefined>(subject, (done) =>
        this.#sftp.write(handle, piece.data, piece.at, piece.length, piece.position, (error) =>
          done(error, undefined),
        ),
      )
      .then(
        () => {
          this.#window.answered(taken);
          written.answered();
        },
        (error: unknown) => {
          written.failed(asTowlineError(error));
          this.#window.answered(taken);
        },
      );
  }
}
