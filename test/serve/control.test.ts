import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { TowlineError } from '../../src/core/errors.js';
import { silence } from '../../src/core/silence.js';
import { askAgent } from '../../src/serve/control-client.js';
import { type ControlServer, serveControl } from '../../src/serve/control-server.js';
import type { Controllable } from '../../src/serve/controllable.js';
import { findSocket } from '../../src/serve/socket-place.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';

/** An agent that notes what it is asked, and whose long tasks end when the test says so. */
function agent() {
  const asked: unknown[] = [];
  const task = Promise.withResolvers<void>();
  const control: Controllable = {
    status: () => Promise.resolve({ asked: asked.length }),
    pause: () => void asked.push('pause'),
    resume: async (options) => void asked.push(options),
    flush: () => {
      asked.push('flush');
      return task.promise;
    },
    rescan: async () => void asked.push('rescan'),
    resolve: () => Promise.resolve(),
    limit: (limit) => void asked.push(limit),
  };
  return { asked, task, control };
}

async function serve(folder: string, control: Controllable, env = {}): Promise<ControlServer> {
  const server = await serveControl({ folder, control, env, log: silence });
  onTestFinished(() => server.close());
  return server;
}

async function started() {
  const folder = freshFolder('state');
  const own = agent();
  return { folder, ...own, server: await serve(folder, own.control) };
}

/** One request of any kind, as curl would send it. */
async function raw(folder: string, method: string, path: string, body = '') {
  const call = request({ socketPath: await findSocket(folder), method, path, agent: false });
  call.on('error', () => undefined);
  call.end(body);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk);
  return { status: response.statusCode, headers: response.headers, body: JSON.parse(text) as unknown };
}

test('each request reaches the agent, and answers with the status afterwards', async () => {
  const { folder, asked, task } = await started();
  task.resolve();
  expect(await askAgent(folder, { ask: 'status' })).toEqual({ asked: 0 });
  expect(await askAgent(folder, { ask: 'pause' })).toEqual({ asked: 1 });
  await askAgent(folder, { ask: 'resume', allowDeletes: true });
  await askAgent(folder, { ask: 'flush' });
  await askAgent(folder, { ask: 'rescan' });
  await askAgent(folder, { ask: 'limit', bwlimit: 12.5 });
  await askAgent(folder, { ask: 'limit', bwlimit: null });
  expect(asked).toEqual(['pause', { allowDeletes: true }, 'flush', 'rescan', 12.5, null]);
});

test.each([
  ['GET', '/nothing', '', 404, 'not-found'],
  ['GET', '/__proto__', '', 404, 'not-found'],
  ['GET', '/pause', '', 405, 'unsupported'],
  ['POST', '/status', '', 405, 'unsupported'],
  ['POST', '/limit', '{', 400, 'configuration'],
  ['POST', '/limit', '[]', 400, 'configuration'],
  ['POST', '/limit', '', 400, 'configuration'],
  ['POST', '/limit', '{"bwlimit":0}', 400, 'configuration'],
  ['POST', '/limit', '{"bwlimit":"fast"}', 400, 'configuration'],
  ['POST', '/limit', '{"bwlimit":1,"more":1}', 400, 'configuration'],
  ['POST', '/resume', '{"allowDeletes":"yes"}', 400, 'configuration'],
  ['POST', '/resume', '{"allowdeletes":true}', 400, 'configuration'],
  ['POST', '/resume', ' '.repeat(70_000), 400, 'configuration'],
])('$0 $1 is refused with $3', async (method, path, body, status, code) => {
  const { folder, asked } = await started();
  const reply = await raw(folder, method, path, body);
  expect(reply).toMatchObject({ status, body: { error: { code, message: expect.any(String) } } });
  if (status === 405) expect(reply.headers.allow).toBe(method === 'GET' ? 'POST' : 'GET');
  expect(asked).toEqual([]);
});

test('what the agent throws arrives with its code', async () => {
  const folder = freshFolder('state');
  const { control } = agent();
  await serve(folder, { ...control, rescan: () => Promise.reject(new TowlineError('state', 'disk full')) });
  await expect(askAgent(folder, { ask: 'rescan' })).rejects.toMatchObject({
    code: 'state',
    message: 'disk full',
  });
});

describe('the socket', () => {
  test('is open to its owner only, and goes with the agent', async () => {
    const { folder, server } = await started();
    expect(statSync(join(folder, 'control.sock')).mode & 0o777).toBe(0o600);
    await server.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is not made in a folder that is open to others', async () => {
    const folder = freshFolder('state');
    chmodSync(folder, 0o750);
    const { control } = agent();
    await expect(serveControl({ folder, control, env: {}, log: silence })).rejects.toMatchObject({
      code: 'state',
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('of a dead agent is replaced', async () => {
    const folder = freshFolder('state');
    writeFileSync(join(folder, 'control.sock'), '');
    await expect(askAgent(folder, { ask: 'status' })).rejects.toMatchObject({ code: 'not-found' });
    await serve(folder, agent().control);
    expect(await askAgent(folder, { ask: 'status' })).toEqual({ asked: 0 });
  });

  test('lies at a short path when that of the state folder is too long', async () => {
    const folder = join(freshFolder('state'), 'x'.repeat(100));
    mkdirSync(folder, { mode: 0o700 });
    await expect(askAgent(folder, { ask: 'status' })).rejects.toMatchObject({ code: 'not-found' });
    const runtime = freshFolder('run');
    const server = await serve(folder, agent().control, { XDG_RUNTIME_DIR: runtime });
    const path = readFileSync(join(folder, 'control.path'), 'utf8').trim();
    expect(dirname(dirname(path))).toBe(runtime);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await askAgent(folder, { ask: 'status' })).toEqual({ asked: 0 });
    await server.close();
    expect(readdirSync(folder)).toEqual([]);
    expect(readdirSync(runtime)).toEqual([]);
  });

  test('at a short path is found and removed after a crash', async () => {
    const folder = join(freshFolder('state'), 'x'.repeat(100));
    mkdirSync(folder, { mode: 0o700 });
    const old = freshFolder('towline');
    writeFileSync(join(old, 'control.sock'), '');
    writeFileSync(join(folder, 'control.path'), `${join(old, 'control.sock')}\n`);
    await serve(folder, agent().control);
    expect(existsSync(old)).toBe(false);
    expect(await askAgent(folder, { ask: 'status' })).toEqual({ asked: 0 });
  });

  test('tries the next place where the first does not take one', async () => {
    const folder = join(freshFolder('state'), 'x'.repeat(100));
    mkdirSync(folder, { mode: 0o700 });
    await serve(folder, agent().control, { XDG_RUNTIME_DIR: '/nowhere/at/all' });
    expect(await askAgent(folder, { ask: 'status' })).toEqual({ asked: 0 });
    expect(basename(await findSocket(folder))).toBe('control.sock');
  });
});

describe('waiting', () => {
  test('ends when whoever asked goes away; the agent goes on', async () => {
    const { folder, asked, task, server } = await started();
    const call = request({
      socketPath: await findSocket(folder),
      method: 'POST',
      path: '/flush',
      agent: false,
    });
    call.on('error', () => undefined);
    call.end();
    await eventually(() => expect(asked).toEqual(['flush']));
    call.destroy();
    // Would wait for its connections to end.
    await server.close();
    task.reject(new Error('nobody hears this'));
  });

  test('is given up by a signal', async () => {
    const { folder, asked } = await started();
    const giveUp = new AbortController();
    const answer = askAgent(folder, { ask: 'flush' }, { signal: giveUp.signal });
    await eventually(() => expect(asked).toEqual(['flush']));
    giveUp.abort();
    await expect(answer).rejects.toMatchObject({ code: 'interrupted' });
  });

  test('ends with an error when the agent stops', async () => {
    const { folder, asked, server } = await started();
    const answer = askAgent(folder, { ask: 'flush' });
    const refused = expect(answer).rejects.toMatchObject({ code: 'not-found', message: /ended before/ });
    await eventually(() => expect(asked).toEqual(['flush']));
    await server.close();
    await refused;
  });

  test('does not go on for ever with an agent that hangs', async () => {
    const folder = freshFolder('state');
    const hanging = createServer().listen(join(folder, 'control.sock'));
    await once(hanging, 'listening');
    onTestFinished(() => void hanging.close());
    const answer = askAgent(folder, { ask: 'status' }, { timeoutMs: 50 });
    await expect(answer).rejects.toMatchObject({ code: 'protocol', message: /does not answer/ });
  });

  test.each([
    ['HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello', 'protocol'],
    ['HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n7', 'protocol'],
    ['HTTP/1.1 500 No\r\nconnection: close\r\n\r\n{"error":7}', 'protocol'],
    ['SSH-2.0-OpenSSH\r\n', 'protocol'],
    ['', 'not-found'],
  ])('an answer that makes no sense is told from none: %j', async (text, code) => {
    const folder = freshFolder('state');
    const strange = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(text));
    }).listen(join(folder, 'control.sock'));
    await once(strange, 'listening');
    onTestFinished(() => void strange.close());
    await expect(askAgent(folder, { ask: 'status' })).rejects.toMatchObject({ code });
  });
});
