/** A side that is only a source. */
import { TowlineError } from '../core/errors.js';
import type { Storage } from '../ports.js';

/** The same storage, which refuses every change with `unsupported` before anything is asked of it. */
export function readOnly(storage: Storage): Storage {
  const refuse = (path = '') => {
    const shown = path === '' ? storage.label : `'${path}' of ${storage.label}`;
    return Promise.reject(
      new TowlineError('unsupported', `${shown} is on a side that is only read`, { path }),
    );
  };
  return {
    label: storage.label,
    get capabilities() {
      return storage.capabilities;
    },
    scan: (request) => storage.scan(request),
    observe: (paths, signal) => storage.observe(paths, signal),
    openSource: (path) => storage.openSource(path),
    readText: (path) => storage.readText(path),
    hash: (path, signal) => storage.hash(path, signal),
    hashInPlace: (files, signal) => storage.hashInPlace(files, signal),
    freeBytes: (path) => storage.freeBytes(path),
    // Measuring it takes a file of our own there.
    clockOffsetMs: () => Promise.resolve(0),
    removeTemps: () => Promise.resolve([]),
    ensureRoot: () => refuse(),
    createTemp: refuse,
    resumeTemp: refuse,
    makeDirectory: refuse,
    makeSymlink: refuse,
    setMetadata: refuse,
    move: refuse,
    remove: refuse,
  };
}
