/** A temp beside the destination: the one an earlier attempt left, or a new one. */
import { sameRevision } from '../core/compare.js';
import type { Entry } from '../core/entry.js';
import { hasCode } from '../core/errors.js';
import { join, parentOf } from '../core/path.js';
import type { Source, Temp } from '../ports.js';
import { proveSame } from './proof.js';
import { requireSpace } from './space.js';
import type { Carriage, LeftTemp, OpenTarget, TransferTemps } from './target.js';

/** @throws `no-space`, `permission`, `not-found`, `network` */
export async function openTempTarget(
  job: Carriage,
  temps: TransferTemps,
  source: Source,
): Promise<OpenTarget> {
  const { name, temp } = (await goOn(job, temps, source)) ?? (await begin(job, temps, source.entry));
  return {
    temp,
    path: beside(job.path, name),
    isAsExpected: (destination) => sameRevision(destination, job.expected),
    progress: (bytes) => temps.progress(name, source.fingerprint, bytes),
    gone: () => temps.gone(name),
  };
}

interface NamedTemp {
  readonly name: string;
  readonly temp: Temp;
}

async function begin(
  { to, path, attributes }: Carriage,
  temps: TransferTemps,
  entry: Entry,
): Promise<NamedTemp> {
  const name = await temps.fresh();
  try {
    const { mtimeMs } = attributes(entry);
    const hint = { size: entry.size, ...(mtimeMs === undefined ? undefined : { mtimeMs }) };
    return { name, temp: await to.createTemp(path, name, hint) };
  } catch (error) {
    // Anything but a lost link is an answer: the temp was not made.
    if (!hasCode(error, 'network')) temps.gone(name);
    throw error;
  }
}

/** `null` when nothing is left that could be continued. */
async function goOn(job: Carriage, temps: TransferTemps, source: Source): Promise<NamedTemp | null> {
  const { path, to } = job;
  const { fingerprint, entry } = source;
  for (;;) {
    const left = await temps.resumable({ fingerprint, size: entry.size });
    try {
      await requireSpace(to, path, entry.size - (left?.sure === true ? left.offset : 0));
    } catch (error) {
      // What cannot be finished is in the way of files that would fit.
      if (left !== null) await temps.resumed(left, false);
      throw error;
    }
    if (left === null) return null;
    const usable = left.sure || (await isProved(job, left, source));
    const temp = usable ? await to.resumeTemp(path, left.from, left.to, left.offset, !left.sure) : null;
    await temps.resumed(left, temp !== null);
    if (temp !== null) return { name: left.to, temp };
  }
}

/**
 * Whether the source still begins as what was left does. Bytes up to the offset were all acknowledged: nothing that is
 * still on its way can change them.
 */
async function isProved(job: Carriage, left: LeftTemp, source: Source): Promise<boolean> {
  const partial = { on: job.to, path: beside(job.path, left.from) };
  const origin = { on: job.from, path: job.path };
  const here = source.entry.ino !== undefined;
  const [first, second] = here ? [partial, origin] : [origin, partial];
  return (await proveSame(first, second, left.offset, job.signal)) === 'same';
}

function beside(path: string, name: string): string {
  return join(parentOf(path) ?? '', name);
}
