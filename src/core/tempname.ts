/**
 * The names of what we create beside the user's files. All begin with `.towline`, which no scan and no watcher shows.
 *
 * A temp's name has a fixed length (well below 255 bytes) that does not depend on the file it stands for, so that a
 * file whose own name is 255 bytes long can be uploaded too.
 */
import { nameOf } from './path.js';

const prefix = '.towline';
/** The accent of a probe may come back decomposed. */
const tempPattern = /^\.towline-([0-9a-z]+)-([0-9a-z]+)(?:-é|-e\u0301)?\.tmp$/;
const asidePattern = /^(\.towline-[0-9a-z]+-[0-9a-z]+)\.old$/;

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

/** A temp's name that tells what a side does with names: it holds letters with a capital, and one that has two forms. */
export function probeName(agent: string, random: string): string {
  return `${prefix}-${agent}-${random}-é.tmp`;
}

/**
 * The aside of a temp: a directory in which something waits under its own name while the temp (or itself, respelled) takes
 * its place. It belongs to the temp: who removes that sees to both.
 */
export function asideOf(temp: string): string {
  return temp.replace(/\.tmp$/, '.old');
}

/** The temp (its name) whose aside a directory of this name is, or `null`. */
export function tempOfAside(name: string): string | null {
  const stem = asidePattern.exec(name)?.[1];
  return stem === undefined ? null : `${stem}.tmp`;
}
