/** Requests as faults are shown them. */
import type { SeenRequest } from './faults.js';
import type { HandleTable } from './handles.js';
import type { Numbered, Request } from './request.js';

/** What a fault may know of a request. */
export function seenRequest(
  request: Request,
  handles: HandleTable,
  count: Pick<SeenRequest, 'number' | 'numberOfKind'>,
): SeenRequest {
  const path =
    'path' in request
      ? absolute(request.path)
      : 'handle' in request
        ? utf8(handles.pathOf(request.handle))
        : '';
  return {
    kind: request.kind,
    path,
    target: targetOf(request),
    flags: request.kind === 'OPEN' ? request.flags : 0,
    offset: 'offset' in request ? request.offset : 0,
    length: request.kind === 'READ' ? request.length : request.kind === 'WRITE' ? request.data.length : 0,
    ...count,
  };
}

/** The index of the READ or WRITE that ends the run the queue begins with; 0 when it begins with something else. */
export function lastOfFirstRun(waiting: readonly { readonly numbered: Numbered }[]): number {
  const end = waiting.findIndex(({ numbered }) => !isTransfer(numbered.request));
  return Math.max(0, (end === -1 ? waiting.length : end) - 1);
}

function isTransfer(request: Request): boolean {
  return request.kind === 'READ' || request.kind === 'WRITE';
}

function targetOf(request: Request): string {
  if (!('target' in request)) return '';
  return request.kind === 'SYMLINK' ? request.target.toString() : absolute(request.target);
}

/** A path as faults are shown it. */
export function absolute(path: Buffer): string {
  const text = path.toString();
  return text.startsWith('/') ? text : `/${text}`;
}

function utf8(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString();
}
