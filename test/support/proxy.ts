import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

export interface ProxyOptions {
  readonly targetPort: number;
  /** Added to each direction. */
  readonly latencyMs?: number;
  /** Of each direction of each connection. */
  readonly bytesPerSecond?: number;
  /** Default: a free one. */
  readonly port?: number;
}

/** A link on 127.0.0.1 that can be slow, silent or cut. */
export interface TestProxy {
  readonly port: number;
  /** Connections accepted so far. */
  readonly connections: number;
  /** Bytes passed on so far, from client to server and back. */
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Resets all connections; new ones are accepted. */
  dropAll(): void;
  /** Half-open: nothing goes through any more, old connections or new, and nothing is closed. */
  stall(): void;
  /** What was held back goes through. */
  unstall(): void;
  /** Resets all connections once this many more bytes went through, both directions together. */
  dropAfterBytes(bytes: number): void;
  /** Resets new connections as soon as they come. */
  refuse(): void;
  accept(): void;
  /** Resolves when nothing is listening any more. */
  stop(): Promise<void>;
}

interface State {
  readonly options: ProxyOptions;
  readonly sockets: Set<Socket>;
  readonly wakers: Set<() => void>;
  stalled: boolean;
  refusing: boolean;
  connections: number;
  bytesUp: number;
  bytesDown: number;
  dropAtBytes: number;
}

/** Starts a proxy to `127.0.0.1:targetPort`. */
export async function startProxy(options: ProxyOptions): Promise<TestProxy> {
  const state: State = {
    options,
    sockets: new Set(),
    wakers: new Set(),
    stalled: false,
    refusing: false,
    connections: 0,
    bytesUp: 0,
    bytesDown: 0,
    dropAtBytes: Infinity,
  };
  const server = createServer((client) => accepted(state, client));
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return testProxy(state, address.port, async () => {
    dropAll(state);
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  });
}

function testProxy(state: State, port: number, stop: () => Promise<void>): TestProxy {
  return {
    port,
    stop,
    get connections() {
      return state.connections;
    },
    get bytesUp() {
      return state.bytesUp;
    },
    get bytesDown() {
      return state.bytesDown;
    },
    dropAll: () => dropAll(state),
    stall: () => {
      state.stalled = true;
    },
    unstall: () => {
      state.stalled = false;
      for (const wake of state.wakers) wake();
      state.wakers.clear();
    },
    dropAfterBytes: (bytes) => {
      state.dropAtBytes = state.bytesUp + state.bytesDown + bytes;
    },
    refuse: () => {
      state.refusing = true;
    },
    accept: () => {
      state.refusing = false;
    },
  };
}

function accepted(state: State, client: Socket): void {
  state.connections++;
  if (state.refusing) {
    client.resetAndDestroy();
    return;
  }
  const server = connect({ host: '127.0.0.1', port: state.options.targetPort });
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.setNoDelay(true);
    state.sockets.add(one);
    one.on('error', () => other.destroy());
    one.on('close', () => {
      state.sockets.delete(one);
      if (!state.stalled) other.destroy();
    });
    void forward(state, one, other, (bytes) => {
      if (one === client) state.bytesUp += bytes;
      else state.bytesDown += bytes;
    });
  }
}

/** Passes on what `from` sends, at the pace of the link, until either end is gone. */
async function forward(
  state: State,
  from: Socket,
  to: Socket,
  count: (bytes: number) => void,
): Promise<void> {
  const { latencyMs = 0, bytesPerSecond } = state.options;
  const pieceBytes = bytesPerSecond === undefined ? Infinity : Math.max(1, Math.floor(bytesPerSecond / 20));
  try {
    for await (const data of from as AsyncIterable<Buffer>) {
      for (let at = 0; at < data.length; at += pieceBytes) {
        const piece = data.subarray(at, Math.min(data.length, at + pieceBytes));
        if (bytesPerSecond !== undefined) await pause((piece.length / bytesPerSecond) * 1000);
        if (state.stalled) await new Promise<void>((resolve) => state.wakers.add(resolve));
        if (latencyMs > 0) setTimeout(() => to.write(piece), latencyMs);
        else if (!to.write(piece)) await drained(to);
        count(piece.length);
        if (state.bytesUp + state.bytesDown >= state.dropAtBytes) dropAll(state);
      }
    }
    if (latencyMs > 0) await pause(latencyMs);
    if (!state.stalled) to.end();
  } catch {
    // An end was reset; its own handlers take the other one down.
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resolves when there is room again, or when nobody will make room any more. */
function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done);
      socket.off('close', done);
      resolve();
    };
    socket.once('drain', done);
    socket.once('close', done);
    if (socket.destroyed) done();
  });
}

function dropAll(state: State): void {
  state.dropAtBytes = Infinity;
  for (const socket of state.sockets) socket.resetAndDestroy();
  for (const wake of state.wakers) wake();
  state.wakers.clear();
}
