/** What the server answers, and how it is put on the wire. */
import { errnoOf } from '../../core/errors.js';
import type { Attributes } from '../channel.js';
import { sftpStatus as status } from '../status.js';
import { attributesField, packet, string, uint32 } from './packet.js';

export { status };

export type Status = (typeof status)[keyof typeof status];

export interface NameItem {
  readonly name: Buffer;
  /** A line as of `ls -l`; old clients show it. */
  readonly longName: string;
  readonly attributes: Attributes;
}

export type Reply =
  | { readonly type: 'status'; readonly status: Status }
  | { readonly type: 'handle'; readonly handle: string }
  | { readonly type: 'data'; readonly data: Buffer }
  | { readonly type: 'names'; readonly items: readonly NameItem[] }
  | { readonly type: 'attributes'; readonly attributes: Attributes }
  /** The fields of an extension's own reply. */
  | { readonly type: 'extended'; readonly fields: readonly Buffer[] };

export const done: Reply = { type: 'status', status: status.ok };

/** A request that ends with this status. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: Status;

  constructor(code: Status) {
    super(texts[code]);
    this.status = code;
  }
}

const texts: Record<Status, string> = {
  0: 'Success',
  1: 'End of file',
  2: 'No such file',
  3: 'Permission denied',
  4: 'Failure',
  5: 'Bad message',
  6: 'No connection',
  7: 'Connection lost',
  8: 'Operation unsupported',
};

/** As OpenSSH maps errno (sftp-server.c, errno_to_portable): whatever is not named here is a bare "Failure". */
const statusOfErrno: Readonly<Record<string, Status>> = {
  ENOENT: status.noSuchFile,
  ENOTDIR: status.noSuchFile,
  EBADF: status.noSuchFile,
  ELOOP: status.noSuchFile,
  EPERM: status.permissionDenied,
  EACCES: status.permissionDenied,
  EFAULT: status.permissionDenied,
  ENAMETOOLONG: status.badMessage,
  EINVAL: status.badMessage,
  ENOSYS: status.unsupported,
};

/** The status for what a request threw. What is neither a refusal nor an error of the system is thrown on: a bug. */
export function statusOf(error: unknown): Status {
  if (error instanceof Refusal) return error.status;
  const errno = errnoOf(error);
  if (errno === null) throw error;
  return statusOfErrno[errno] ?? status.failure;
}

/** The packet that answers request `id`. */
export function encodeReply(id: number, reply: Reply): Buffer {
  switch (reply.type) {
    case 'status':
      return packet(101, uint32(id), uint32(reply.status), string(texts[reply.status]), string(''));
    case 'handle':
      return packet(102, uint32(id), string(Buffer.from(reply.handle, 'latin1')));
    case 'data':
      return packet(103, uint32(id), string(reply.data));
    case 'names':
      return packet(104, uint32(id), uint32(reply.items.length), ...reply.items.flatMap(nameFields));
    case 'attributes':
      return packet(105, uint32(id), attributesField(reply.attributes));
    case 'extended':
      return packet(201, uint32(id), ...reply.fields);
  }
}

/** The server's greeting: the version, and the extensions with their own versions. */
export function encodeVersion(extensions: readonly (readonly [string, string])[]): Buffer {
  return packet(2, uint32(3), ...extensions.flatMap(([name, version]) => [string(name), string(version)]));
}

function nameFields(item: NameItem): Buffer[] {
  return [string(item.name), string(item.longName), attributesField(item.attributes)];
}
