import { once } from 'node:events';
import { utimesSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { TestWebdavServer } from './webdav-server.js';

/** What is done to a request instead of passing it on. */
export type Fault =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  /** The connection is reset, or nothing is ever answered. */
  | 'reset'
  | 'silence'
  /** The server behind does it, and the answer is lost. */
  | 'lost-answer';

export interface FrontOptions {
  /** Asked for each request, with its decoded path. */
  readonly fault?: (method: string, path: string, message: IncomingMessage) => Fault | null;
  /** Keeps times as ownCloud and Nextcloud do: by the header `X-OC-Mtime` and by the property `lastmodified`. */
  readonly keepsTimes?: boolean;
}

export interface Front {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** A small server ahead of a real one, which does to requests what real servers do on their bad days. */
export async function startFront(backend: TestWebdavServer, options: FrontOptions): Promise<Front> {
  const server = createServer((message, response) => {
    const path = decodeURIComponent(message.url ?? '/');
    const fault = options.fault?.(message.method ?? '', path, message) ?? null;
    if (fault === null || fault === 'lost-answer') pass(backend, options, message, response, fault !== null);
    else if (fault === 'reset') message.socket.resetAndDestroy();
    else if (fault !== 'silence') {
      message.resume();
      response.writeHead(fault.status, fault.headers).end(fault.body);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    port: address.port,
    url: `http://127.0.0.1:${String(address.port)}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function pass(
  backend: TestWebdavServer,
  { keepsTimes = false }: FrontOptions,
  message: IncomingMessage,
  response: ServerResponse,
  loseAnswer: boolean,
): void {
  const headers = { ...message.headers };
  if (typeof headers.destination === 'string') {
    headers.destination = backend.url + new URL(headers.destination).pathname;
  }
  const onward = request(
    backend.url + (message.url ?? '/'),
    { method: message.method, headers: { ...headers, host: `127.0.0.1:${String(backend.port)}` } },
    (answer) => {
      const file = join(backend.folder, decodeURIComponent(message.url ?? '/'));
      const asked = message.headers['x-oc-mtime'];
      if (keepsTimes && message.method === 'PUT' && answer.statusCode! < 300 && typeof asked === 'string') {
        utimesSync(file, Number(asked), Number(asked));
      }
      if (loseAnswer) {
        answer.resume();
        answer.once('end', () => message.socket.resetAndDestroy());
        return;
      }
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    },
  );
  onward.once('error', () => message.socket.destroy());
  response.once('close', () => onward.destroy());
  if (!keepsTimes || message.method !== 'PROPPATCH') {
    message.pipe(onward);
    return;
  }
  let body = '';
  message.setEncoding('utf8').on('data', (text: string) => (body += text));
  message.once('end', () => {
    const seconds = Number(/<lastmodified>(\d+)</.exec(body)?.[1]);
    if (Number.isNaN(seconds)) {
      onward.end(body);
      return;
    }
    onward.destroy();
    utimesSync(join(backend.folder, decodeURIComponent(message.url ?? '/')), seconds, seconds);
    response
      .writeHead(207)
      .end('<multistatus xmlns="DAV:"><response><href>/</href></response></multistatus>');
  });
}
