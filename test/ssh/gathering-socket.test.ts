import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { GatheringSocket } from '../../src/ssh/gathering-socket.js';

test('what is written in one go is handed to the system in one piece, in its order', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = new GatheringSocket().dial({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
  });
  onTestFinished(() => {
    socket.destroy();
    server.close();
  });
  const [[peer]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')]);
  const texts = (async () => {
    let text = '';
    for await (const piece of peer as AsyncIterable<Buffer>) text += piece.toString();
    return text;
  })();

  let answered = 0;
  for (const text of ['one ', 'two ', 'three']) socket.write(text, () => answered++);
  expect({ corked: socket.writableCorked, held: socket.writableLength }).toEqual({ corked: 1, held: 13 });
  await new Promise((resolve) => process.nextTick(resolve));
  expect(socket.writableCorked).toBe(0);
  socket.end(' end', 'utf8');
  expect(await texts).toBe('one two three end');
  expect(answered).toBe(3);
});
