/** Who takes part in a case: Towline and its rivals, each with a remote folder and a state of its own. */
import { join } from 'node:path';
import { checkSame } from './check.js';
import { fresh, placeName } from './bench.js';
import { lftp, naive, rsync, sftp } from './rivals.js';
import { checkCount, push, sync } from './towline.js';

const rivals = {
  rsync: { command: rsync, needs: 'rsync' },
  'OpenSSH sftp -b': { command: sftp, needs: 'sftp' },
  // It does not wait for its ssh processes, so what they cost is not known.
  'lftp mirror ×8': { command: lftp, needs: 'lftp', cpuKnown: false },
  'naive ssh2': { command: naive, needs: null },
};

function placeOf(bench, name, { local, port }) {
  const folder = join(bench.folder, 'places', placeName('push', name));
  return {
    local,
    folder,
    remote: join(folder, 'remote'),
    stateDir: join(folder, 'state'),
    server: bench.server,
    port,
    sshConfig: bench.server.sshConfig(port),
  };
}

/**
 * Makes contestants for `compare`. Each begins with empty folders.
 * @param tree what is pushed, or a function that returns it as it is now
 * @param names of Towline variants (`towline`, `towline, …`) and rivals
 * @param options by name: `{ runs, work, prepare(place, round), expected(round), certainly() }`; `''` holds the defaults
 */
export function contestants(bench, tree, names, options = {}, port = bench.server.port) {
  return names
    .filter((name) => isThere(bench, name) && bench.takesPart(name))
    .map((name) => {
      const settings = { ...options[''], ...options[name] };
      const treeNow = settings.tree ?? (typeof tree === 'function' ? tree : () => tree);
      const place = placeOf(bench, name, { local: treeNow().root, port });
      fresh(place.folder);
      fresh(place.remote);
      const rival = !name.startsWith('towline');
      return {
        name,
        rival,
        work: settings.work ?? null,
        runs: settings.runs,
        cpuKnown: rivals[name]?.cpuKnown ?? true,
        place,
        prepare: (round) => settings.prepare?.(place, round),
        command: () => commandOf(name)(place),
        check: async (round, stdout) => {
          if (!rival && settings.expected !== undefined) checkCount(stdout, settings.expected(round));
          await checkSame(treeNow(), place.remote, settings.certainly?.() ?? []);
        },
      };
    });
}

/** `towline sync, …` goes both ways, every other Towline pushes. */
function commandOf(name) {
  if (rivals[name] !== undefined) return rivals[name].command;
  return name.startsWith('towline sync') ? sync : push;
}

function isThere(bench, name) {
  const needs = rivals[name]?.needs ?? null;
  return needs === null || bench.has(needs);
}
