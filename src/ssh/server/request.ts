/** What a client may ask, decoded. */
import type { Attributes } from '../channel.js';
import { FieldReader, MalformedPacket } from './packet.js';

/** The extensions of OpenSSH that the server knows, with the version it advertises. */
export const extensionVersions = {
  'posix-rename@openssh.com': '1',
  'statvfs@openssh.com': '2',
  'fsync@openssh.com': '1',
  'lsetstat@openssh.com': '1',
  'limits@openssh.com': '1',
} as const;

export type ExtensionName = keyof typeof extensionVersions;

type PathKind = 'LSTAT' | 'STAT' | 'OPENDIR' | 'REMOVE' | 'RMDIR' | 'REALPATH' | 'READLINK' | 'STATVFS';
type HandleKind = 'CLOSE' | 'FSTAT' | 'READDIR' | 'FSYNC';

/** One request; names as in the protocol, those of extensions without their domain. */
export type Request =
  | { readonly kind: 'OPEN'; readonly path: Buffer; readonly flags: number; readonly attributes: Attributes }
  | { readonly kind: 'READ'; readonly handle: string; readonly offset: number; readonly length: number }
  | { readonly kind: 'WRITE'; readonly handle: string; readonly offset: number; readonly data: Buffer }
  | { readonly kind: 'FSETSTAT'; readonly handle: string; readonly attributes: Attributes }
  | {
      readonly kind: 'SETSTAT' | 'LSETSTAT' | 'MKDIR';
      readonly path: Buffer;
      readonly attributes: Attributes;
    }
  | { readonly kind: 'RENAME' | 'POSIX-RENAME'; readonly path: Buffer; readonly target: Buffer }
  /** `target` is the text of the link. */
  | { readonly kind: 'SYMLINK'; readonly path: Buffer; readonly target: Buffer }
  | { readonly kind: PathKind; readonly path: Buffer }
  | { readonly kind: HandleKind; readonly handle: string }
  | { readonly kind: 'LIMITS' }
  /** An extension that the server does not offer. */
  | { readonly kind: 'EXTENDED'; readonly extension: string };

export type RequestKind = Request['kind'];

export interface Numbered {
  readonly id: number;
  readonly request: Request;
}

export interface DecodeOptions {
  readonly extensions: ReadonlySet<string>;
  /** OpenSSH's client sends the two paths of SYMLINK the other way round than the draft says. */
  readonly symlinkTargetFirst: boolean;
}

/** The numbers of the packet types that a client sends. */
export const initType = 1;
const extendedType = 200;
const pathKinds = new Map<number, PathKind>([
  [7, 'LSTAT'],
  [11, 'OPENDIR'],
  [13, 'REMOVE'],
  [15, 'RMDIR'],
  [16, 'REALPATH'],
  [17, 'STAT'],
  [19, 'READLINK'],
]);
const handleKinds = new Map<number, HandleKind>([
  [4, 'CLOSE'],
  [8, 'FSTAT'],
  [12, 'READDIR'],
]);

/**
 * Decodes one packet (not INIT).
 * @throws MalformedPacket
 */
export function decode(packet: Buffer, options: DecodeOptions): Numbered {
  const fields = new FieldReader(packet);
  const type = fields.byte();
  const id = fields.uint32();
  return { id, request: type === extendedType ? extended(fields, options) : plain(type, fields, options) };
}

function plain(type: number, fields: FieldReader, options: DecodeOptions): Request {
  const pathKind = pathKinds.get(type);
  if (pathKind !== undefined) return { kind: pathKind, path: fields.string() };
  const handleKind = handleKinds.get(type);
  if (handleKind !== undefined) return { kind: handleKind, handle: handle(fields) };
  switch (type) {
    case 3:
      return { kind: 'OPEN', path: fields.string(), flags: fields.uint32(), attributes: fields.attributes() };
    case 5:
      return { kind: 'READ', handle: handle(fields), offset: fields.uint64(), length: fields.uint32() };
    case 6:
      return { kind: 'WRITE', handle: handle(fields), offset: fields.uint64(), data: fields.string() };
    case 9:
      return { kind: 'SETSTAT', path: fields.string(), attributes: fields.attributes() };
    case 10:
      return { kind: 'FSETSTAT', handle: handle(fields), attributes: fields.attributes() };
    case 14:
      return { kind: 'MKDIR', path: fields.string(), attributes: fields.attributes() };
    case 18:
      return { kind: 'RENAME', path: fields.string(), target: fields.string() };
    case 20:
      return symlink(fields, options);
    default:
      throw new MalformedPacket(`a packet of the unknown type ${type}`);
  }
}

function symlink(fields: FieldReader, options: DecodeOptions): Request {
  const first = fields.string();
  const second = fields.string();
  return options.symlinkTargetFirst
    ? { kind: 'SYMLINK', path: second, target: first }
    : { kind: 'SYMLINK', path: first, target: second };
}

function extended(fields: FieldReader, options: DecodeOptions): Request {
  const extension = fields.string().toString();
  if (!options.extensions.has(extension)) return { kind: 'EXTENDED', extension };
  switch (extension) {
    case 'posix-rename@openssh.com':
      return { kind: 'POSIX-RENAME', path: fields.string(), target: fields.string() };
    case 'statvfs@openssh.com':
      return { kind: 'STATVFS', path: fields.string() };
    case 'fsync@openssh.com':
      return { kind: 'FSYNC', handle: handle(fields) };
    case 'lsetstat@openssh.com':
      return { kind: 'LSETSTAT', path: fields.string(), attributes: fields.attributes() };
    case 'limits@openssh.com':
      return { kind: 'LIMITS' };
    default:
      return { kind: 'EXTENDED', extension };
  }
}

function handle(fields: FieldReader): string {
  return fields.string().toString('latin1');
}
