/** Logging in to the embedded server. */
import { timingSafeEqual } from 'node:crypto';
import type { AuthContext, AuthenticationType } from 'ssh2';
import type { Authorize } from './authorize.js';
import { isSignedBy } from './keys.js';

/** Answers one attempt. `own` is the public key of the pair that the server made. */
export function authenticate(context: AuthContext, authorize: Authorize, own: string): void {
  const methods: AuthenticationType[] = ['publickey'];
  if (authorize.password !== undefined) methods.push('password', 'keyboard-interactive');
  const reject = () => context.reject(methods);
  if (authorize.username !== undefined && context.username !== authorize.username) {
    reject();
    return;
  }
  switch (context.method) {
    case 'publickey': {
      const { key, blob, signature, hashAlgo } = context;
      if (!isKnown(key.data, authorize, own)) reject();
      // Without a signature the client only asks whether the key would do.
      else if (signature === undefined) context.accept();
      else if (blob !== undefined && isSignedBy(key.data, blob, signature, hashAlgo)) context.accept();
      else reject();
      return;
    }
    case 'password':
      if (isSame(context.password, authorize.password)) context.accept();
      else reject();
      return;
    case 'keyboard-interactive':
      if (authorize.password === undefined) reject();
      else {
        context.prompt([{ prompt: 'Password: ', echo: false }], (answers) => {
          if (isSame(answers[0], authorize.password)) context.accept();
          else reject();
        });
      }
      return;
    case 'none':
    case 'hostbased':
      reject();
  }
}

function isKnown(key: Buffer, authorize: Authorize, own: string): boolean {
  if (authorize.publicKeys === 'any') return true;
  const lines = [own, ...(authorize.publicKeys ?? [])];
  return lines.some((line) => Buffer.from(line.split(' ')[1] ?? '', 'base64').equals(key));
}

function isSame(given: string | undefined, wanted: string | undefined): boolean {
  if (given === undefined || wanted === undefined) return false;
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
