/** Finds out what a server can do by doing it with a file of ours. */
import { hasCode } from '../../core/errors.js';
import { momentaryName } from '../momentary-name.js';
import { leastAbilities, type Abilities, type TimeSetters, type WebdavContext } from './context.js';
import type { Attempt } from './failures.js';
import { look, propfind } from './propfind.js';
import { patchTime } from './times.js';

/** A time no clock of today shows. */
const probedMs = 1_000_000_000_000;

/**
 * Tries the server out if nobody did, and keeps what was found: who writes single files makes no root before.
 * @throws `network`, `authentication`
 */
export function tryOut(context: WebdavContext): Promise<void> {
  context.tried ??= findAbilities(context).then(
    (found) => {
      context.abilities = found;
    },
    (error: unknown) => {
      context.tried = null;
      throw error;
    },
  );
  return context.tried;
}

/**
 * Tries in the root, which exists. Where nothing may be written there, the least is assumed.
 * @throws `network`, `authentication`
 */
async function findAbilities(context: WebdavContext): Promise<Abilities> {
  const space = (await quotaBytes(context)) !== null;
  const path = momentaryName(context.session.clock);
  const attempt = context.attempt('try out', path);
  const url = context.urls.below(path);
  try {
    const headers = { 'If-None-Match': '*', 'X-OC-Mtime': String(probedMs / 1000) };
    await context.command(attempt, { method: 'PUT', url, headers, body: 'probe' });
    const put = await hasProbedTime(context, attempt, path);
    const second = await context.command(attempt, { method: 'PUT', url, headers, body: 'probe' }, [412]);
    const times = { put, patch: await patchable(context, attempt, path, put) };
    return { times, exclusivePut: second === 412, space };
  } catch (error) {
    if (hasCode(error, 'network', 'authentication', 'host-key', 'interrupted', 'internal')) throw error;
    return { ...leastAbilities, space };
  } finally {
    await removeProbe(context, attempt, url);
  }
}

/** The property is tried that is live by the standard; the other one only where its makers' header is known. */
async function patchable(
  context: WebdavContext,
  attempt: Attempt,
  path: string,
  put: boolean,
): Promise<TimeSetters['patch']> {
  const candidates = put ? (['getlastmodified', 'lastmodified'] as const) : (['getlastmodified'] as const);
  for (const [index, property] of candidates.entries()) {
    const wantedMs = probedMs + (index + 1) * 100_000;
    try {
      await patchTime(context, attempt, path, wantedMs, property);
    } catch (error) {
      if (hasCode(error, 'network', 'authentication', 'host-key', 'interrupted')) throw error;
      continue;
    }
    if ((await look(context, attempt, path))?.mtimeMs === wantedMs) return property;
  }
  return null;
}

async function hasProbedTime(context: WebdavContext, attempt: Attempt, path: string): Promise<boolean> {
  return (await look(context, attempt, path))?.mtimeMs === probedMs;
}

/** Best effort: what is left is a temp, and old temps are removed. */
async function removeProbe(context: WebdavContext, attempt: Attempt, url: string): Promise<void> {
  await Promise.allSettled([context.command(attempt, { method: 'DELETE', url }, [404])]);
}

/** Free bytes by the quota of the root (RFC 4331), or `null` when the server tells none. */
export async function quotaBytes(context: WebdavContext): Promise<number | null> {
  const asked = { url: context.urls.directory(''), depth: '0', more: ['quota-available-bytes'] } as const;
  const responses = await propfind(context, asked);
  return typeof responses === 'number' ? null : (responses[0]?.freeBytes ?? null);
}
