import { join } from 'node:path';
import { copyTree, fresh } from '../bench.js';
import { contestants } from '../contestants.js';
import { compare, run } from '../measure.js';
import { push } from '../towline.js';
import { edit } from '../trees.js';

/** Other files are edited in each round, then each contestant brings its own copy up to date. */
export const onePercent = {
  name: 'one-percent',
  kind: 'time',
  title: ({ smallFiles, editedShare }) =>
    `${editedShare * 100} % of ${smallFiles.toLocaleString('en')} small files changed`,
  async measure(bench) {
    const root = join(bench.folder, 'tree-edited');
    copyTree(bench.tree('small').root, root);
    let now = { tree: { ...bench.tree('small'), root }, edited: [] };
    const { short, long } = bench.scale.runs;
    const names = [
      'towline, with its state',
      'towline, without',
      'rsync',
      'lftp mirror ×8',
      'OpenSSH sftp -b',
      'naive ssh2',
    ];
    const everything = { runs: long, work: 'sends everything' };
    const all = contestants(bench, () => now.tree, names, {
      '': { runs: short, expected: () => now.edited.length, certainly: () => now.edited },
      'towline, without': { prepare: ({ stateDir }) => fresh(stateDir) },
      'lftp mirror ×8': { runs: long },
      'OpenSSH sftp -b': everything,
      'naive ssh2': everything,
    });
    for (const { place } of all) copyTree(root, place.remote);
    await run(bench, push(all[0].place));
    const rows = await compare(bench, all, (round) => {
      now = edit(now.tree, { share: bench.scale.editedShare, round });
    });
    return { rows };
  },
};
