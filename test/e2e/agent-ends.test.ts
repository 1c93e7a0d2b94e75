/** A program whose agent was stopped ends by itself, whenever that was. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { freshFolder } from '../support/folder.js';

const root = join(import.meta.dirname, '..', '..');

/** It ends within a second: this is a bound for one that never does. */
const endsMs = 20_000;

test.each([
  ['it watches', "(agent) => agent.on('state', ({ state }) => state === 'watching' && agent.stop())"],
  ['it is told of changes', "(agent, stop) => stop.on('watcher-ready')"],
  [
    'it begins to compare',
    "(agent) => agent.on('state', ({ state }) => state === 'scanning' && agent.stop())",
  ],
])('stopped by a listener, as %s', async (_title, listen) => {
  const folder = freshFolder('ends');
  mkdirSync(join(folder, 'local'));
  writeFileSync(join(folder, 'local', 'a'), 'a');
  const program = `
    import { createAgent } from 'towline';
    const stop = { on: (type) => (stop.type = type) };
    const onEvent = ({ type }) => type === stop.type && agent.stop();
    const [local, remote, stateDir] = ['local', './remote', 'state'];
    const agent = createAgent({ local, remote, stateDir, mode: 'two-way' }, { onEvent });
    (${listen})(agent, stop);
    await agent.start();
    await agent.done;
    console.log(agent.state);
  `;
  const file = join(folder, 'program.mjs');
  writeFileSync(file, program.replace("'towline'", JSON.stringify(join(root, 'dist', 'index.js'))));
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: folder, timeout: endsMs });
  expect(stdout).toBe('stopped\n');
});
