import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { nativeCryptoActive } from '../../src/ssh/native.js';

test('says whether the binding loads into this Node', () => {
  const loads = () => {
    try {
      createRequire(import.meta.url)('ssh2/lib/protocol/crypto/build/Release/sshcrypto.node');
      return true;
    } catch {
      return false;
    }
  };
  expect(nativeCryptoActive()).toBe(loads());
});
