/** What it takes to believe that something new on the server is what was there under another name. */
import { sameRevision } from '../core/compare.js';
import type { BasePair, Entry } from '../core/entry.js';
import { TowlineError, hasCode } from '../core/errors.js';
import { parentOf } from '../core/path.js';
import { sameIdentity } from '../core/view.js';
import { hashOf } from './contents.js';
import type { Context } from './context.js';
import { isLeftOut } from './left-out.js';

/** What both sides agreed on under an old name. */
export interface Lost {
  readonly base: BasePair;
  /** What we still have there. */
  readonly here: Entry;
}

/**
 * What both sides agreed on under the old name and only we still have; `present`: the server has it still; `null`: neither,
 * or nothing may be done there.
 */
export async function lostThere(context: Context, from: string): Promise<Lost | 'present' | null> {
  const { local, remote, state, filter, signal } = context;
  const [[there], [here], [base], unruled] = await Promise.all([
    remote.observe([from], signal),
    local.observe([from], signal),
    state.base.get([from]),
    filter.ensure([from]),
  ]);
  if (there !== null) return 'present';
  if (base === null || base === undefined || unruled.size > 0) return null;
  if (here === null || here === undefined || here instanceof TowlineError) return null;
  // A rename takes the old name away.
  if (!sameRevision(here, base.local) || isLeftOut(context, 'local', from, here.kind)) return null;
  return { base, here };
}

/** Whether what we have may be told from what was agreed on by size and time alone. */
export function isSurely(here: Entry, { local, racy }: BasePair): boolean {
  return !racy && sameIdentity(here, local);
}

/** The hash of what we have under the old name and the server under the new one; `null` when they differ. */
export async function commonHash(
  context: Context,
  from: string,
  { local, remote }: BasePair,
  isSure: boolean,
  theirs: () => Promise<string>,
): Promise<string | null> {
  const agreed = local.hash ?? remote.hash;
  const [ours, hash] = await Promise.all([
    isSure && agreed !== undefined ? agreed : hashOf(context, 'local', from, local.size),
    theirs(),
  ]);
  return ours === hash ? hash : null;
}

/** Right before: the new name is what was looked at, and the old one is gone from a folder that can be looked into. */
export async function stillMoved(
  { remote, signal }: Context,
  from: string,
  to: string,
  source: Entry,
): Promise<Entry | null> {
  const paths = [to, from, parentOf(from) ?? '', ''];
  const [there, old, above, root] = await remote.observe(paths, signal);
  if (above instanceof TowlineError || root === null || root instanceof TowlineError) return null;
  if (old !== null || there instanceof TowlineError || there === undefined) return null;
  return sameRevision(there, source) ? there : null;
}

/** Whoever changed it meanwhile, or may not have it renamed, is in the way of a rename, not of fetching it. */
export function isInTheWay(error: unknown): boolean {
  return hasCode(
    error,
    'exists',
    'changed',
    'vanished',
    'not-found',
    'permission',
    'protocol',
    'unsupported',
  );
}
