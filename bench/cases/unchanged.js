import { copyTree, fresh } from '../bench.js';
import { contestants } from '../contestants.js';
import { compare, run } from '../measure.js';
import { push, sync } from '../towline.js';

function unchanged(name, treeName, filesOf, runsOf) {
  return {
    name,
    kind: 'time',
    title: (scale) => `Nothing changed, ${filesOf(scale).toLocaleString('en')} files`,
    async measure(bench) {
      const tree = bench.tree(treeName);
      const all = contestants(
        bench,
        tree,
        ['towline, with its state', 'towline, without', 'towline sync, both ways', 'rsync', 'lftp mirror ×8'],
        {
          '': { runs: runsOf(bench.scale), expected: () => 0 },
          'towline, without': { prepare: ({ stateDir }) => fresh(stateDir) },
        },
      );
      for (const { place } of all) copyTree(tree.root, place.remote);
      // The first run finds both sides equal and remembers it.
      await run(bench, push(all[0].place));
      const bothWays = all.find(({ name }) => name.startsWith('towline sync'));
      await run(bench, sync(bothWays.place));
      const rows = await compare(bench, all);
      return { rows, notes: ['sftp -b and the naive upload have no such run: they send everything again.'] };
    },
  };
}

export const unchangedSmall = unchanged(
  'unchanged-10k',
  'small',
  (scale) => scale.smallFiles,
  (scale) => scale.runs.short,
);

export const unchangedMany = unchanged(
  'unchanged-100k',
  'many',
  (scale) => scale.manyFiles,
  (scale) => scale.runs.long,
);
