import { Client } from 'ssh2';
import type { TowlineError } from '../../src/core/errors.js';
import type { ConnectParameters } from '../../src/ssh/connect-parameters.js';

/** What a test logs in with: an Identity, or parts of one. */
export interface LoginIdentity {
  connect(): Promise<ConnectParameters>;
  classify(error: Error): TowlineError | null;
}

/** One attempt to log in: `ready`, or the reason why not (the classified one, where there is one). */
export async function logIn(identity: LoginIdentity): Promise<'ready' | Error> {
  const { host, port, hostVerifier, ssh } = await identity.connect();
  const client = new Client();
  const outcome = await new Promise<'ready' | Error>((resolve) => {
    client.on('ready', () => resolve('ready'));
    // As the connection does: after an error of the agent ssh2 goes on with the next key.
    client.on('error', (error) => {
      if (error.level !== 'agent') resolve(identity.classify(error) ?? error);
    });
    client.connect({ ...ssh, host, port, hostVerifier });
  });
  client.end();
  return outcome;
}
