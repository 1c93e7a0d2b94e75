import { fresh } from '../bench.js';
import { contestants } from '../contestants.js';
import { compare } from '../measure.js';

export const bigFile = {
  name: 'big-file',
  kind: 'time',
  title: ({ bigBytes }) => `One file of ${(bigBytes / 2 ** 20).toLocaleString('en')} MiB`,
  async measure(bench) {
    const tree = bench.tree('big');
    const prepare = ({ remote, stateDir }) => {
      fresh(remote);
      fresh(stateDir);
    };
    const all = contestants(bench, tree, ['towline', 'rsync', 'OpenSSH sftp -b', 'lftp mirror ×8'], {
      '': { runs: bench.scale.runs.short, prepare, expected: () => 1, certainly: () => tree.files },
    });
    const rows = await compare(bench, all);
    for (const { place } of all) fresh(place.remote);
    return { rows };
  },
};
