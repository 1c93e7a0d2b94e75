/** One request → one reply. */
import type { Workplace } from './paths.js';
import * as paths from './paths.js';
import { Refusal, type Reply, status, type Status, statusOf } from './reply.js';
import type { Request, RequestKind } from './request.js';
import * as streams from './streams.js';

/** Does what is asked, as OpenSSH would but for the faults that change the server's nature. */
export async function perform(work: Workplace, request: Request): Promise<Reply> {
  try {
    const refused = refusedByNature(work, request);
    if (refused !== null) throw new Refusal(refused);
    return await dispatch(work, request);
  } catch (error) {
    return { type: 'status', status: statusOf(error) };
  }
}

const changing = new Set<RequestKind>([
  'WRITE',
  'SETSTAT',
  'FSETSTAT',
  'LSETSTAT',
  'MKDIR',
  'RENAME',
  'POSIX-RENAME',
  'SYMLINK',
  'REMOVE',
  'RMDIR',
]);
const setting = new Set<RequestKind>(['SETSTAT', 'FSETSTAT', 'LSETSTAT']);

function refusedByNature(work: Workplace, request: Request): Status | null {
  const { readOnly, noSetstat } = work.faults;
  const readFlags = paths.openFlag.read;
  if (readOnly === true) {
    if (changing.has(request.kind)) return status.permissionDenied;
    if (request.kind === 'OPEN' && (request.flags & ~readFlags) !== 0) return status.permissionDenied;
  }
  if (noSetstat === true && setting.has(request.kind)) return status.unsupported;
  return null;
}

function dispatch(work: Workplace, request: Request): Reply | Promise<Reply> {
  switch (request.kind) {
    case 'OPEN':
      return paths.open(work, request.path, request.flags, request.attributes);
    case 'CLOSE':
      return streams.closeHandle(work, request.handle);
    case 'READ':
      return streams.readData(work, request.handle, request.offset, request.length);
    case 'WRITE':
      return streams.writeData(work, request.handle, request.offset, request.data);
    case 'FSYNC':
      return streams.syncFile(work, request.handle);
    case 'FSTAT':
      return streams.statHandle(work, request.handle);
    case 'FSETSTAT':
      return streams.setHandleAttributes(work, request.handle, request.attributes);
    case 'READDIR':
      return streams.readDirectory(work, request.handle);
    case 'LSTAT':
      return paths.stat(work, request.path, 'keep');
    case 'STAT':
      return paths.stat(work, request.path, 'follow');
    case 'SETSTAT':
      return paths.setAttributes(work, request.path, request.attributes);
    case 'LSETSTAT':
      return paths.setLinkAttributes(work, request.path, request.attributes);
    case 'OPENDIR':
      return paths.openDirectory(work, request.path);
    case 'MKDIR':
      return paths.makeDirectory(work, request.path, request.attributes);
    case 'RMDIR':
      return paths.removeDirectory(work, request.path);
    case 'REMOVE':
      return paths.removeFile(work, request.path);
    case 'RENAME':
      return paths.rename(work, request.path, request.target);
    case 'POSIX-RENAME':
      return paths.posixRename(work, request.path, request.target);
    case 'SYMLINK':
      return paths.makeSymlink(work, request.path, request.target);
    case 'READLINK':
      return paths.readSymlink(work, request.path);
    case 'REALPATH':
      return paths.realPath(work, request.path);
    case 'STATVFS':
      return paths.space(work, request.path);
    case 'LIMITS':
      return streams.limits();
    case 'EXTENDED':
      throw new Refusal(status.unsupported);
  }
}
