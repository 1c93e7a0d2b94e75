/** A folder of a WebDAV server as a `Storage`. */
import { TowlineError } from '../../core/errors.js';
import type { Capabilities, Storage } from '../../ports.js';
import { checkName } from '../checked.js';
import { hashSource } from '../hash.js';
import { makeDirectory, move, remove, setMetadata } from './changes.js';
import { WebdavContext } from './context.js';
import { observe } from './observe.js';
import { quotaBytes } from './probe.js';
import { ensureRoot } from './root.js';
import { scan } from './scan.js';
import type { WebdavSession } from './session.js';
import { openSource, readText } from './source.js';
import { createTemp, tempBeside } from './temp.js';
import { removeTemps } from './temps-removal.js';

/**
 * The session's folder. Nothing is sent before the first call. `capabilities` are the least that any server can do until
 * `ensureRoot`, or else the first `createTemp`, has tried out more.
 * @param label for people: `https://dev@box/app`
 */
export function createWebdavStorage(session: WebdavSession, label: string): Storage {
  const context = new WebdavContext(session);
  return {
    label,
    get capabilities(): Capabilities {
      return context.capabilities;
    },
    ensureRoot: (request) => ensureRoot(context, request),
    scan: (request) => scan(context, request),
    observe: (paths, signal) => observe(context, paths, signal),
    openSource: (path) => openSource(context, path),
    readText: (path) => readText(context, path),
    createTemp: (path, name, hint) => createTemp(context, path, name, hint),
    resumeTemp: async (path, from, to) => {
      tempBeside(context, path, from);
      tempBeside(context, path, to);
      // PUT writes whole files: nothing can be cut or gone on with.
      return Promise.resolve(null);
    },
    makeDirectory: (path) => makeDirectory(context, path),
    makeSymlink: (path, _link, name) => refuseSymlink(context, path, name),
    setMetadata: (path, expected, change) => setMetadata(context, path, expected, change),
    move: (from, to, expected) => move(context, from, to, expected),
    remove: (path, expected) => remove(context, path, expected),
    removeTemps: (paths) => removeTemps(context, paths),
    hash: async (path, signal) => hashSource(await openSource(context, path), path, signal),
    hashInPlace: () => Promise.resolve(null),
    freeBytes: async (path) => {
      context.urls.directory(path);
      return context.abilities.space ? quotaBytes(context) : null;
    },
    clockOffsetMs: () => Promise.resolve(session.clockOffsetMs),
  };
}

/** Declared in `capabilities`: who asks all the same hears why. */
async function refuseSymlink(context: WebdavContext, path: string, name: string): Promise<never> {
  context.urls.below(path);
  checkName(name);
  return Promise.reject(
    new TowlineError('unsupported', `'${path}' is a symlink, and WebDAV has none`, {
      path,
      host: context.host,
      hint: 'Exclude it',
    }),
  );
}
