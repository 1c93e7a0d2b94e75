import { join } from 'node:path';
import { copyTree, fresh, placeName } from '../bench.js';
import { awaitFirst, saveMany } from '../latency.js';
import { startLsyncd } from '../lsyncd.js';
import { quantile } from '../measure.js';
import { watch } from '../towline.js';
import { smallFiles } from '../trees.js';

const bytesPerFile = 6_800;

async function measureTool(bench, tool, { tree, start }) {
  const folder = fresh(join(bench.folder, 'places', placeName('latency', tool)));
  const pair = {
    tool,
    local: join(folder, 'local'),
    remote: join(folder, 'remote'),
    stateDir: join(folder, 'state'),
    folder,
    sshConfig: bench.server.sshConfig(bench.server.port),
  };
  // Its own copy: the last tool's saves would look like fresh edits.
  copyTree(tree.root, pair.local);
  copyTree(tree.root, pair.remote);
  const child = start(pair);
  try {
    await awaitFirst(pair, child, tree.files[0].path, bench.limitMs);
    const taken = await saveMany(pair, tree.files, { ...bench.scale, limitMs: bench.limitMs });
    const ms = { p50Ms: quantile(taken, 0.5), p95Ms: quantile(taken, 0.95), maxMs: Math.max(...taken) };
    bench.say(`    ${tool}: p50 ${ms.p50Ms.toFixed(0)} ms, p95 ${ms.p95Ms.toFixed(0)} ms`);
    return { tool, rival: tool !== 'towline watch', runs: taken.length, failure: null, ...ms };
  } catch (error) {
    return { tool, rival: tool !== 'towline watch', runs: 0, failure: bench.anonymous(error.message) };
  } finally {
    await bench.children.end(child);
  }
}

export const latency = {
  name: 'latency',
  kind: 'latency',
  title: ({ saves, projectFiles }) =>
    `From a save to the reader, ${saves} saves in a project of ${projectFiles.toLocaleString('en')} files`,
  async measure(bench) {
    const count = bench.scale.projectFiles;
    const tree = smallFiles(join(bench.folder, 'tree-project'), {
      count,
      totalBytes: count * bytesPerFile,
      seed: 'project',
    });
    const start = {
      'towline watch': (pair) => watch(bench.children, pair).child,
      'lsyncd, delay 0': (pair) => startLsyncd(bench.children, pair),
    };
    const rows = [await measureTool(bench, 'towline watch', { tree, start: start['towline watch'] })];
    if (bench.has('lsyncd'))
      rows.push(await measureTool(bench, 'lsyncd, delay 0', { tree, start: start['lsyncd, delay 0'] }));
    const { gapMs } = bench.scale;
    return {
      rows,
      notes: [`Saves of 4 KiB in place, ${gapMs} to ${2 * gapMs} ms apart, to files chosen at random.`],
    };
  },
};
