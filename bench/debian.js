/** Installs the rivals where they are missing and apt can. */
import { spawnSync } from 'node:child_process';
import { packages } from './rivals.js';

function has(command) {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', command], { stdio: 'ignore' }).status === 0;
}

/** The rivals that are not there. */
export function missingRivals() {
  return Object.keys(packages).filter((command) => !has(command));
}

/** Tries to install what is missing. @returns what is still missing */
export function installRivals(say) {
  const wanted = missingRivals().map((command) => packages[command]);
  if (wanted.length === 0 || !has('apt-get')) return missingRivals();
  const apt = (...args) => {
    const [file, ...rest] = [...(process.getuid?.() === 0 ? [] : ['sudo', '-n']), 'apt-get', ...args];
    return spawnSync(file, rest, { stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
  };
  say(`installing ${wanted.join(' ')}`);
  const install = () => apt('install', '-y', '-qq', '--no-install-recommends', ...wanted);
  if (!install() && apt('update', '-qq')) install();
  return missingRivals();
}
