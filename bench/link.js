/** A long, thin link: a TCP proxy on 127.0.0.1 with a round trip time and a rate. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** What waits to be sent before the link takes no more, as in the buffer of a router. */
const backlogMaxMs = 20;

/** One direction, shared by all connections: pieces leave one after another at the rate, and arrive half a trip later. */
class Direction {
  #bytesPerMs;
  #delayMs;
  #freeAtMs = 0;
  #due = [];
  #timer = null;

  constructor(bytesPerSecond, delayMs) {
    this.#bytesPerMs = bytesPerSecond / 1_000;
    this.#delayMs = delayMs;
  }

  /** @returns how many ms the link is behind */
  send(bytes, deliver) {
    const nowMs = performance.now();
    this.#freeAtMs = Math.max(nowMs, this.#freeAtMs) + bytes / this.#bytesPerMs;
    this.#due.push({ atMs: this.#freeAtMs + this.#delayMs, deliver });
    this.#arm();
    return this.#freeAtMs - nowMs;
  }

  #arm() {
    if (this.#timer !== null || this.#due.length === 0) return;
    const waitMs = Math.max(0, this.#due[0].atMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const nowMs = performance.now();
      let count = 0;
      while (count < this.#due.length && this.#due[count].atMs <= nowMs) this.#due[count++].deliver();
      this.#due.splice(0, count);
      this.#arm();
    }, waitMs);
  }
}

function forward(from, to, direction) {
  from.on('data', (data) => {
    const behindMs = direction.send(data.length, () => {
      if (!to.destroyed) to.write(data);
    });
    if (behindMs <= backlogMaxMs) return;
    from.pause();
    setTimeout(() => from.resume(), behindMs - backlogMaxMs);
  });
  from.on('end', () => direction.send(0, () => to.end()));
  from.on('error', () => to.destroy());
  to.on('close', () => from.destroy());
}

/**
 * Starts the link.
 * @param roundTripMs half of it in each direction
 * @param bitsPerSecond of each direction, for all connections together
 * @returns its `port`, and `stop`
 */
export async function startLink({ targetPort, roundTripMs, bitsPerSecond }) {
  const directions = [0, 1].map(() => new Direction(bitsPerSecond / 8, roundTripMs / 2));
  const sockets = new Set();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const target = connect({ host: '127.0.0.1', port: targetPort, noDelay: true, allowHalfOpen: true });
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    }
    forward(client, target, directions[0]);
    forward(target, client, directions[1]);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  };
  return { port: server.address().port, stop };
}
