/** What the numbers were measured on. No name of a host, a user or a folder is in it. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';

function firstMatch(file, args, pattern) {
  const { stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' });
  return pattern.exec(`${stdout ?? ''}${stderr ?? ''}`)?.[1] ?? null;
}

/** Versions by tool; `null` where it is not installed. */
export function versions() {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const ssh2 = JSON.parse(
    readFileSync(new URL('../node_modules/ssh2/package.json', import.meta.url), 'utf8'),
  );
  const number = /(\d+\.\d+[\w.]*)/;
  return {
    towline: manifest.version,
    node: process.versions.node,
    ssh2: ssh2.version,
    OpenSSH: firstMatch('ssh', ['-V'], /OpenSSH_([\w.]+)/),
    rsync: firstMatch('rsync', ['--version'], number),
    lftp: firstMatch('lftp', ['--version'], number),
    lsyncd: firstMatch('lsyncd', ['--version'], number),
  };
}

export function machine() {
  return {
    cores: cpus().length,
    processor: cpus()[0]?.model ?? null,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    // Distributions add names of their own to the number.
    kernel: `${type()} ${/^[\d.]+\d/.exec(release())?.[0] ?? 'unknown'}`,
  };
}
