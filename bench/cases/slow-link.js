import { join } from 'node:path';
import { fresh } from '../bench.js';
import { contestants } from '../contestants.js';
import { startLink } from '../link.js';
import { compare } from '../measure.js';
import { smallFiles } from '../trees.js';

const roundTripMs = 50;
const bitsPerSecond = 100e6;

export const slowLink = {
  name: 'slow-link',
  kind: 'time',
  title: ({ linkFiles }) =>
    `First push of ${linkFiles.toLocaleString('en')} small files over a link of ${roundTripMs} ms round trip and ` +
    `${bitsPerSecond / 1e6} Mbit/s`,
  async measure(bench) {
    const { linkFiles, linkFilesOfSftp, smallFiles: allFiles, smallBytes, runs } = bench.scale;
    const treeOf = (count) =>
      smallFiles(join(bench.folder, `tree-link-${count}`), {
        count,
        totalBytes: Math.round((smallBytes / allFiles) * count),
        seed: 'link',
      });
    const tree = treeOf(linkFiles);
    const part = treeOf(linkFilesOfSftp);
    const link = await startLink({ targetPort: bench.server.port, roundTripMs, bitsPerSecond });
    try {
      const prepare = ({ remote, stateDir }) => {
        fresh(remote);
        fresh(stateDir);
      };
      const work = `only ${linkFilesOfSftp} of the ${linkFiles.toLocaleString('en')} files`;
      const names = ['towline', 'rsync', 'lftp mirror ×8', 'OpenSSH sftp -b'];
      const all = contestants(
        bench,
        tree,
        names,
        {
          '': { runs: runs.short, prepare, expected: () => linkFiles },
          'lftp mirror ×8': { runs: runs.long },
          'OpenSSH sftp -b': { runs: 1, work, tree: () => part },
        },
        link.port,
      );
      return { rows: await compare(bench, all) };
    } finally {
      await link.stop();
    }
  },
};
