/** Towline as users run it: the built command. */
import { once as eventOnce } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';

export const commandFile = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

export function push(place) {
  return once('push', place);
}

/** Both ways. */
export function sync(place) {
  return once('sync', place);
}

function once(verb, { local, remote, sshConfig, stateDir }) {
  const flags = ['-F', sshConfig, '--state-dir', stateDir, '--json'];
  return { file: process.execPath, args: [commandFile, verb, local, `box:${remote}`, ...flags] };
}

/**
 * What `push --json` (or `sync`) says it did must be what there was to do.
 * @throws Error when it is not
 */
export function checkCount(stdout, transferred) {
  const result = JSON.parse(stdout);
  if (result.transferred === transferred && result.failed === 0) return;
  throw new Error(
    `it says that ${result.transferred} files were sent and ${result.failed} failed; expected ${transferred} and 0`,
  );
}

/** Starts `watch`; `said(event)` resolves with the first line of that event. */
export function watch(children, { local, remote, sshConfig, stateDir }, flags = []) {
  const args = [
    'watch',
    local,
    `box:${remote}`,
    '-F',
    sshConfig,
    '--state-dir',
    stateDir,
    '--json',
    ...flags,
  ];
  const child = children.start(process.execPath, [commandFile, ...args]);
  const seen = new Map();
  const waiting = new Map();
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text);
    seen.set(line.event, line);
    waiting.get(line.event)?.(line);
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const ended = eventOnce(child, 'exit').then(([code]) => {
    throw new Error(`watch ended with ${code}: ${stderr}`);
  });
  // Nobody may be waiting when it is asked to end.
  ended.catch(() => undefined);
  return {
    child,
    said: (event) => {
      const line = seen.get(event);
      if (line !== undefined) return Promise.resolve(line);
      return Promise.race([ended, new Promise((resolve) => waiting.set(event, resolve))]);
    },
  };
}
