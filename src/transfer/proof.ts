import type { Storage } from '../ports.js';

/** A file where it lies. */
export interface Located {
  readonly on: Pick<Storage, 'hashInPlace'>;
  readonly path: string;
}

/** What hashes say of two contents; `unknown`: one of them could not be had without carrying the content. */
export type Proof = 'same' | 'different' | 'unknown';

/**
 * Compares the first `length` bytes of two files by hashes made where they lie.
 * @param first the one that is less likely to be hashed: without it the other one is not read
 * @throws `network`, the signal's reason
 */
export async function proveSame(
  first: Located,
  second: Located,
  length: number,
  signal: AbortSignal,
): Promise<Proof> {
  const one = await hashOf(first, length, signal);
  const other = one === null ? null : await hashOf(second, length, signal);
  if (other === null) return 'unknown';
  return one === other ? 'same' : 'different';
}

async function hashOf({ on, path }: Located, length: number, signal: AbortSignal): Promise<string | null> {
  const hashes = await on.hashInPlace([{ path, length }], signal);
  return hashes?.[0] ?? null;
}
