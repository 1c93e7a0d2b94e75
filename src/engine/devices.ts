import { TowlineError } from '../core/errors.js';
import type { Looking, RootIdentity } from './context.js';
import { rootFact } from './guardian.js';

/** The device of a local directory as it was recorded, and as it is now. */
export async function devicesOf(
  context: Looking,
  path: string,
): Promise<{ was: number | undefined; now: number | undefined }> {
  if (path === '') {
    const root = await context.state.facts.get<RootIdentity>(rootFact);
    return { was: root?.dev, now: (await context.inspectRoot())?.dev };
  }
  const [[pair], [now]] = await Promise.all([context.state.base.get([path]), context.local.observe([path])]);
  return {
    was: pair?.local.dev,
    now: now === undefined || now === null || now instanceof TowlineError ? undefined : now.dev,
  };
}
