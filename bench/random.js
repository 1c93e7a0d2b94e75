/** Randomness that is the same in every run. */
import { createCipheriv, createHash } from 'node:crypto';

/** Numbers in [0, 1), reproducible by the seed (mulberry32). */
export function randomOf(seed) {
  let state = createHash('sha256').update(String(seed)).digest().readUInt32LE(0);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A standard normal number (Box and Muller). */
export function normal(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Bytes that do not compress, reproducible by the seed; each call goes on where the last one ended. */
export function byteSource(seed) {
  const key = createHash('sha256').update(String(seed)).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  return (length) => cipher.update(Buffer.alloc(length));
}

/** `count` different whole numbers below `below`, in ascending order. */
export function pick(random, count, below) {
  const chosen = new Set();
  while (chosen.size < Math.min(count, below)) chosen.add(Math.floor(random() * below));
  return [...chosen].sort((a, b) => a - b);
}
