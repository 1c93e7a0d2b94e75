/** What a server can do, from the extensions it announced. */
import type { Capabilities } from '../../ports.js';

/** The extensions this adapter uses, in the versions it knows (OpenSSH's PROTOCOL file, section 4). */
const extensions = {
  posixRename: ['posix-rename@openssh.com', '1'],
  fsync: ['fsync@openssh.com', '1'],
  statvfs: ['statvfs@openssh.com', '2'],
  lsetstat: ['lsetstat@openssh.com', '1'],
  copyData: ['copy-data', '1'],
} as const;

/** Whether the server whose extensions these are offers this one. */
export function offers(announced: ReadonlyMap<string, string>, extension: keyof typeof extensions): boolean {
  const [name, version] = extensions[extension];
  return announced.get(name) === version;
}

/**
 * The capabilities that follow from a server's extensions; with none, the least that any server can do. Modes and times
 * are part of the protocol: a server that refuses to set them shows it in the entry of what was made.
 */
export function capabilitiesOf(announced: ReadonlyMap<string, string>): Capabilities {
  return {
    atomicReplace: offers(announced, 'posixRename'),
    symlinks: true,
    symlinkTimes: offers(announced, 'lsetstat'),
    modes: true,
    times: true,
    fsync: offers(announced, 'fsync'),
    space: offers(announced, 'statvfs'),
    resume: true,
    locks: true,
    timeGranularityMs: 1000,
  };
}
