/** Connections to the embedded server, for storages over it. */
import { onTestFinished } from 'vitest';
import { silence } from '../../src/core/silence.js';
import { type Connection, createConnection } from '../../src/ssh/connection.js';
import type { SftpServer } from '../../src/ssh/server/server.js';
import { systemClock } from '../../src/system-clock.js';

/** A ready connection; it ends with the test. */
export async function sessionTo(server: SftpServer): Promise<Connection> {
  const hostKey = Buffer.from(server.hostKey.split(' ')[1]!, 'base64');
  const connection = createConnection({
    label: 'someone@box',
    connect: () =>
      Promise.resolve({
        host: server.host,
        port: server.port,
        hostVerifier: (key) => key.equals(hostKey),
        ssh: { username: 'someone', privateKey: server.clientKey },
      }),
    clock: systemClock,
    log: silence,
  });
  onTestFinished(() => connection.close());
  await connection.ready();
  return connection;
}
