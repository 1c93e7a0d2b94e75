/** File attributes between the system and the wire. */
import type { Stats } from 'node:fs';
import type { Attributes } from '../channel.js';

/** What a `stat` tells, as OpenSSH sends it: whole seconds, cut to 32 bits. */
export function attributesOf(stats: Stats): Required<Attributes> {
  return {
    size: stats.size,
    uid: stats.uid,
    gid: stats.gid,
    mode: stats.mode,
    atime: Math.floor(stats.atimeMs / 1000) >>> 0,
    mtime: Math.floor(stats.mtimeMs / 1000) >>> 0,
  };
}

/** A line as of `ls -ln`. */
export function longNameOf(name: string, attributes: Attributes): string {
  const { mode = 0, uid = 0, gid = 0, size = 0, mtime = 0 } = attributes;
  const date = new Date(mtime * 1000).toISOString();
  const day = `${date.slice(0, 10)} ${date.slice(11, 16)}`;
  return `${modeText(mode)} 1 ${uid} ${gid} ${String(size).padStart(12)} ${day} ${name}`;
}

const typeLetters: Readonly<Record<number, string>> = {
  0o04: 'd',
  0o10: '-',
  0o12: 'l',
  0o14: 's',
  0o01: 'p',
};

function modeText(mode: number): string {
  const letters = ['r', 'w', 'x'];
  const bits = Array.from({ length: 9 }, (_, i) => ((mode >> (8 - i)) & 1 ? letters[i % 3]! : '-'));
  return `${typeLetters[(mode >> 12) & 0o17] ?? '?'}${bits.join('')}`;
}
