/** Open flags that not every platform has (Windows knows few of them): 0 where one is missing. */
import { constants } from 'node:fs';

const flag = (value: number): number => value | 0;

/** Read a file, never through a symlink, never waiting for a FIFO's writer. */
export const readFlags = constants.O_RDONLY | flag(constants.O_NOFOLLOW) | flag(constants.O_NONBLOCK);

/** Create a file that must not exist, for writing only. */
export const createFlags =
  constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | flag(constants.O_NOFOLLOW);

/** Write into a file that is there, as it is, never through a symlink. */
export const resumeFlags = constants.O_WRONLY | flag(constants.O_NOFOLLOW) | flag(constants.O_NONBLOCK);

/** Open a directory itself for its metadata. */
export const directoryFlags = constants.O_RDONLY | flag(constants.O_DIRECTORY) | flag(constants.O_NOFOLLOW);

/** Linux's O_PATH, which `node:fs` does not name: a handle on a place, without permission to read it. */
const oPath = 0o10000000;

export const placeFlags = oPath | flag(constants.O_NOFOLLOW);
export const placeDirectoryFlags = oPath | flag(constants.O_DIRECTORY) | flag(constants.O_NOFOLLOW);
/** The root itself may be a symlink: that is the user's choice. */
export const rootFlags = oPath | flag(constants.O_DIRECTORY);
