/** What the tests of the WebDAV storage share: sides over a real server. */
import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs';
import { basename, join } from 'node:path';
import { silence } from '../../src/core/silence.js';
import { openWebdav, type OpenedWebdav, type OpenWebdavOptions } from '../../src/storage/webdav/open.js';
import { systemClock } from '../../src/system-clock.js';
import { rawFolder } from '../contract/raw-folder.js';
import type { ContractSide, MakeSide } from '../contract/side.js';
import type { TestWebdavServer } from '../support/webdav-server.js';

export function open(target: string, options: Partial<OpenWebdavOptions> = {}): OpenedWebdav {
  const password = () => Promise.resolve(null);
  return openWebdav({ target, password, clock: systemClock, log: silence, ...options });
}

/** A fresh folder on the server: where it lies, and its path there. */
export function servedFolder(server: TestWebdavServer): { folder: string; path: string } {
  const folder = mkdtempSync(join(server.folder, 'case-'));
  chmodSync(folder, 0o777);
  return { folder, path: `/${basename(folder)}` };
}

/**
 * Sides with fresh roots on one server, for the contract suite.
 * @param url the address they are reached by, when it is not the server's own
 */
export function webdavSides(
  server: () => TestWebdavServer,
  url = () => server().url,
  renamed?: RegExp,
): MakeSide {
  return async (kind) => {
    const served = servedFolder(server());
    const inner = kind === 'far' ? 'missing/root here' : 'root here';
    const root = join(served.folder, inner);
    if (kind === 'present') mkdirSync(root, { mode: 0o777 });
    const opened = open(`${url()}${served.path}/${encodeURIComponent(inner).replace('%2F', '/')}`);
    await opened.link.ready();
    if (kind === 'present') await opened.storage.ensureRoot({ parents: false });
    const raw = rawFolder(root);
    // Servers do not tell what it is.
    delete raw.special;
    const side: ContractSide = { storage: opened.storage, raw, dispose: () => opened.link.close() };
    return renamed === undefined ? side : { ...side, renamed };
  };
}
