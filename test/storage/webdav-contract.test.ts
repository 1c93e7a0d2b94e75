import { afterAll, beforeAll, describe } from 'vitest';
import { storageContract } from '../contract/storage-contract.js';
import { startFront, type Front } from '../support/webdav-front.js';
import { hasRclone, startApache, startRclone, type TestWebdavServer } from '../support/webdav-server.js';
import { webdavSides } from './webdav-side.js';

function contractOver(name: string, start: () => Promise<TestWebdavServer>, renamed?: RegExp): void {
  describe(name, () => {
    let server: TestWebdavServer;
    beforeAll(async () => {
      server = await start();
    });
    afterAll(() => server.stop());
    storageContract(
      name,
      webdavSides(() => server, undefined, renamed),
    );
  });
}

contractOver('webdav of Apache', startApache);
// It shows control characters as their pictures.
describe.skipIf(!hasRclone)('with rclone', () => contractOver('webdav of rclone', startRclone, /\p{Cc}/u));

describe('a server that keeps times', () => {
  let server: TestWebdavServer;
  let front: Front;
  beforeAll(async () => {
    server = await startApache();
    front = await startFront(server, { keepsTimes: true });
  });
  afterAll(async () => {
    await front.stop();
    await server.stop();
  });
  storageContract(
    'webdav with times',
    webdavSides(
      () => server,
      () => front.url,
    ),
  );
});
