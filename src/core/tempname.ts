/**
 * The names of what we create beside the user's files. All begin with `.towline`, which no scan and no watcher shows.
 *
 * A temp's name has a fixed length (well below 255 bytes) that does not depend on the file it stands for, so that a
 * file whose own name is 255 bytes long can be uploaded too.
 */
import { nameOf } from './path.js';

const prefix = '.towline';
const tempPattern = /^\.towline-([0-9a-z]+)-([0-9a-z]+)\.tmp$/;

/**
 * A name for a temp file: `.towline-<agent>-<random>.tmp`.
 * @param agent the agent's id: lower-case letters and digits
 * @param random lower-case letters and digits, at least 64 bits of randomness
 */
export function tempName(agent: string, random: string): string {
  return `${prefix}-${agent}-${random}.tmp`;
}

/** Whether this path (or bare name) is one of the things Towline itself creates on a side. */
export function isOwnName(path: string): boolean {
  return nameOf(path).startsWith(prefix);
}

/** The agent that made a temp of this name, or `null` when it is not a temp's name. */
export function tempAgentOf(name: string): string | null {
  return tempPattern.exec(name)?.[1] ?? null;
}
