import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { freshFolder } from '../support/folder.js';
import { configFor } from '../support/ssh-hops.js';
import { type TestSshd, startSshd } from '../support/sshd.js';
import { freshPair, push } from '../support/towline.js';
import { treeOf } from '../support/tree.js';

async function server(): Promise<TestSshd> {
  const sshd = await startSshd();
  onTestFinished(() => sshd.stop());
  return sshd;
}

test.each(['with ssh', 'on a machine without ssh'])(
  'push through two jump hosts of an ssh_config, %s',
  async (where) => {
    const [one, two, box] = [await server(), await server(), await server()] as const;
    const pair = freshPair(box);
    const config = configFor({
      one: { server: one },
      two: { server: two },
      box: { server: box, lines: ['ProxyJump one,two'] },
    });
    const flags = ['-F', config, '--state-dir', pair.stateDir];
    const env = where === 'with ssh' ? {} : { PATH: freshFolder('empty') };
    writeFileSync(join(pair.local, 'large'), Buffer.alloc(5_000_000, 'through two hops '));
    for (let index = 0; index < 50; index++)
      writeFileSync(join(pair.local, `f${String(index)}`), `${String(index)}\n`);
    const result = await push({ ...pair, flags }, [], { env });
    expect(result).toMatchObject({ code: 0, failed: 0, transferred: 51 });
    expect(treeOf(pair.remote)).toEqual(treeOf(pair.local));
    for (const hop of [one, two, box]) expect(hop.logText()).toContain('Accepted publickey');
  },
);

test('push ends with exit code 3 and names the jump host whose key is another one', async () => {
  const [one, box] = [await server(), await server()] as const;
  const pair = freshPair(box);
  const config = configFor({
    one: {
      server: { ...one, knownHostsFile: box.knownHostsFile },
      lines: [`HostKeyAlias [127.0.0.1]:${String(box.port)}`],
    },
    box: { server: box, lines: ['ProxyJump one'] },
  });
  const { code, stderr } = await push({ ...pair, flags: ['-F', config, '--state-dir', pair.stateDir] });
  expect(code).toBe(3);
  expect(stderr).toContain(`jump host ${one.user}@one:${String(one.port)} on the way to`);
});
