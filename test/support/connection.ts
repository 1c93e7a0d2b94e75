import { readFileSync } from 'node:fs';
import { silence } from '../../src/core/silence.js';
import type { Link, LinkState } from '../../src/ports.js';
import { systemClock } from '../../src/system-clock.js';
import { type Connection, type ConnectionOptions, createConnection } from '../../src/ssh/connection.js';
import type { TestSshd } from './sshd.js';

/** A connection to a test server, by its key and its first host key. Close it at the end. */
export function connectTo(
  sshd: TestSshd,
  options: Partial<ConnectionOptions> & { port?: number } = {},
): Connection {
  const { port = sshd.port, ...rest } = options;
  const hostKey = Buffer.from(readFileSync(`${sshd.hostKeyFiles[0]!}.pub`, 'utf8').split(' ')[1]!, 'base64');
  const privateKey = readFileSync(sshd.keyFile);
  return createConnection({
    label: `${sshd.user}@box`,
    connect: () =>
      Promise.resolve({
        host: sshd.host,
        port,
        hostVerifier: (key) => key.equals(hostKey),
        ssh: { username: sshd.user, privateKey },
      }),
    clock: systemClock,
    log: silence,
    ...rest,
  });
}

/** Resolves with the first state (the present one included) that fits. */
export function stateOf<Name extends LinkState['name']>(
  link: Link,
  name: Name,
  fits: (state: Extract<LinkState, { name: Name }>) => boolean = () => true,
): Promise<Extract<LinkState, { name: Name }>> {
  return new Promise((resolve) => {
    const isIt = (state: LinkState): state is Extract<LinkState, { name: Name }> => state.name === name;
    const look = (state: LinkState) => {
      if (!isIt(state) || !fits(state)) return false;
      resolve(state);
      return true;
    };
    if (look(link.state)) return;
    const stop = link.onState((state) => {
      if (look(state)) stop();
    });
  });
}
