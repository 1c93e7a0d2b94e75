import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ProxyOptions, type TestProxy, startProxy } from './proxy.js';
import type { TestSshd } from './sshd.js';
import { type TestPair, freshPair } from './towline.js';

/** A pair whose connections go through a proxy. Stop the proxy at the end. */
export async function proxiedPair(
  sshd: TestSshd,
  options: Partial<ProxyOptions> = {},
): Promise<{ pair: TestPair; proxy: TestProxy }> {
  const proxy = await startProxy({ targetPort: sshd.port, ...options });
  const pair = freshPair(sshd);
  // The host key is known for the server's own port; the alias says whose key it is behind the proxy.
  const config = join(pair.stateDir, '..', 'ssh_config');
  writeFileSync(
    config,
    `Host box\n  HostKeyAlias [127.0.0.1]:${String(sshd.port)}\n  Port ${String(proxy.port)}\n` +
      readFileSync(sshd.sshConfigFile, 'utf8'),
  );
  return { pair: { ...pair, flags: ['-F', config, '--state-dir', pair.stateDir] }, proxy };
}
