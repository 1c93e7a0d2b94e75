/**
 * SFTP version 3 on the wire, the server's half: cutting a stream into packets, reading fields, building replies.
 *
 * Format: draft-ietf-secsh-filexfer-02. Names and paths stay bytes, since a server's names need not be UTF-8.
 */
import type { Attributes } from '../channel.js';

/** A packet that does not follow the format: the session ends. */
export class MalformedPacket extends Error {
  override readonly name = 'MalformedPacket';
}

/** The largest packet taken, bytes: what OpenSSH takes. */
export const packetBytesMax = 256 * 1024;

const attributeFlag = { size: 1, owner: 2, mode: 4, times: 8, extended: 0x80000000 } as const;

/** Cuts the channel's stream into packets (without their length field). */
export class PacketCutter {
  #chunks: Buffer[] = [];
  #held = 0;

  /**
   * Takes the next piece of the stream and returns the packets that are complete with it.
   * @throws MalformedPacket when a length is zero or above `packetBytesMax`
   */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    const packets: Buffer[] = [];
    while (this.#held >= 4) {
      const length = this.#peek(4).readUInt32BE(0);
      if (length === 0 || length > packetBytesMax) {
        throw new MalformedPacket(`a packet of ${length} bytes`);
      }
      if (this.#held < 4 + length) break;
      packets.push(this.#take(4 + length).subarray(4));
    }
    return packets;
  }

  /** The first `length` bytes; joins chunks only where a field spans several. */
  #peek(length: number): Buffer {
    if (this.#chunks[0]!.length < length) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]!;
  }

  #take(length: number): Buffer {
    const whole = this.#peek(length);
    this.#held -= length;
    if (whole.length === length) this.#chunks.shift();
    else this.#chunks[0] = whole.subarray(length);
    return whole.subarray(0, length);
  }
}

/** Reads the fields of one packet in order. Every method throws `MalformedPacket` past the end. */
export class FieldReader {
  #at = 0;
  readonly #packet: Buffer;

  constructor(packet: Buffer) {
    this.#packet = packet;
  }

  byte(): number {
    return this.#bytes(1).readUInt8(0);
  }

  uint32(): number {
    return this.#bytes(4).readUInt32BE(0);
  }

  /** As a number: no file is longer than 2^53 bytes. */
  uint64(): number {
    return Number(this.#bytes(8).readBigUInt64BE(0));
  }

  string(): Buffer {
    return this.#bytes(this.uint32());
  }

  attributes(): Attributes {
    const flags = this.uint32();
    const size = flags & attributeFlag.size ? { size: this.uint64() } : {};
    const owner = flags & attributeFlag.owner ? { uid: this.uint32(), gid: this.uint32() } : {};
    const mode = flags & attributeFlag.mode ? { mode: this.uint32() } : {};
    const times = flags & attributeFlag.times ? { atime: this.uint32(), mtime: this.uint32() } : {};
    return { ...size, ...owner, ...mode, ...times };
  }

  #bytes(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#packet.length) throw new MalformedPacket('a packet that ends within a field');
    const bytes = this.#packet.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}

/** A field of four bytes. */
export function uint32(value: number): Buffer {
  const field = Buffer.allocUnsafe(4);
  field.writeUInt32BE(value >>> 0, 0);
  return field;
}

/** A field of eight bytes. */
export function uint64(value: number | bigint): Buffer {
  const field = Buffer.allocUnsafe(8);
  field.writeBigUInt64BE(BigInt.asUintN(64, BigInt(value)), 0);
  return field;
}

/** Bytes behind their length. */
export function string(value: Buffer | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([uint32(bytes.length), bytes]);
}

/** Attributes as a field; times are cut to 32 bits, as OpenSSH does (1969 becomes 2106). */
export function attributesField(attributes: Attributes): Buffer {
  const { size, uid, gid, mode, atime, mtime } = attributes;
  let flags = 0;
  const fields: Buffer[] = [];
  if (size !== undefined) {
    flags |= attributeFlag.size;
    fields.push(uint64(size));
  }
  if (uid !== undefined && gid !== undefined) {
    flags |= attributeFlag.owner;
    fields.push(uint32(uid), uint32(gid));
  }
  if (mode !== undefined) {
    flags |= attributeFlag.mode;
    fields.push(uint32(mode));
  }
  if (atime !== undefined && mtime !== undefined) {
    flags |= attributeFlag.times;
    fields.push(uint32(atime), uint32(mtime));
  }
  return Buffer.concat([uint32(flags), ...fields]);
}

/** A whole packet: length, type, fields. */
export function packet(type: number, ...fields: Buffer[]): Buffer {
  const length = fields.reduce((sum, field) => sum + field.length, 1);
  return Buffer.concat([uint32(length), Buffer.from([type]), ...fields]);
}
