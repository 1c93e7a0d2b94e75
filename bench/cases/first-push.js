import { fresh } from '../bench.js';
import { contestants } from '../contestants.js';
import { compare } from '../measure.js';

/** Everything is new over there. */
export const firstPush = {
  name: 'first-push',
  kind: 'time',
  title: ({ smallFiles, smallBytes }) =>
    `First push of ${smallFiles.toLocaleString('en')} small files, ${Math.round(smallBytes / 1e6)} MB`,
  async measure(bench) {
    const tree = bench.tree('small');
    const { short, long } = bench.scale.runs;
    const prepare = ({ remote, stateDir }) => {
      fresh(remote);
      fresh(stateDir);
    };
    const names = ['towline', 'rsync', 'OpenSSH sftp -b', 'lftp mirror ×8', 'naive ssh2'];
    const rows = await compare(
      bench,
      contestants(bench, tree, names, {
        '': { runs: short, prepare, expected: () => tree.files.length },
        'OpenSSH sftp -b': { runs: long },
        'lftp mirror ×8': { runs: long },
        'naive ssh2': { runs: long },
      }),
    );
    return { rows };
  },
};
