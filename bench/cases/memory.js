import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { copyTree, fresh, placeName } from '../bench.js';
import { awaitFirst } from '../latency.js';
import { startLsyncd } from '../lsyncd.js';
import { run } from '../measure.js';
import { push, watch } from '../towline.js';

/** The kernel's own high-water mark of a process. `null` where there is none to read. */
function peakMb(pid) {
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kibibytes === undefined ? null : Number(kibibytes) / 1_024;
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    throw error;
  }
}

async function towlinePeak(bench, pair) {
  await run(bench, push(pair));
  const startedMs = performance.now();
  const agent = watch(bench.children, pair, ['-vv']);
  try {
    await agent.said('scan-end');
    const comparedSeconds = (performance.now() - startedMs) / 1_000;
    await awaitFirst(pair, agent.child, bench.tree('many').files[0].path, bench.limitMs);
    return { rssMb: peakMb(agent.child.pid), comparedSeconds };
  } finally {
    await bench.children.end(agent.child);
  }
}

async function lsyncdPeak(bench, pair) {
  const child = startLsyncd(bench.children, pair);
  try {
    await awaitFirst(pair, child, bench.tree('many').files[0].path, bench.limitMs);
    // Its rsync compares, and does not tell when it is done.
    return { rssMb: peakMb(child.pid), comparedSeconds: null };
  } finally {
    await bench.children.end(child);
  }
}

export const memory = {
  name: 'watch-memory',
  kind: 'memory',
  title: ({ manyFiles }) => `Peak memory of watching ${manyFiles.toLocaleString('en')} files`,
  async measure(bench) {
    // The watched file changes: a copy, since other cases need the tree as it is.
    const local = join(bench.folder, 'tree-watched');
    const rows = [];
    const tools = { 'towline watch': towlinePeak, ...(bench.has('lsyncd') ? { lsyncd: lsyncdPeak } : {}) };
    for (const [tool, measure] of Object.entries(tools)) {
      copyTree(bench.tree('many').root, local);
      const folder = fresh(join(bench.folder, 'places', placeName('memory', tool)));
      const pair = {
        tool,
        local,
        folder,
        remote: join(folder, 'remote'),
        stateDir: join(folder, 'state'),
        sshConfig: bench.server.sshConfig(bench.server.port),
      };
      copyTree(local, pair.remote);
      const row = { tool, rival: tool !== 'towline watch', runs: 1, failure: null };
      try {
        rows.push({ ...row, ...(await measure(bench, pair)) });
      } catch (error) {
        rows.push({ ...row, runs: 0, failure: bench.anonymous(error.message) });
      }
    }
    return {
      rows,
      notes: ['Both sides equal, the state known; started, first comparison done, one save brought over.'],
    };
  },
};
