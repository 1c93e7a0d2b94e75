/** Asks a running agent over its control socket. */
import { type IncomingMessage, request as httpRequest } from 'node:http';
import { isErrorCode, TowlineError } from '../core/errors.js';
import { findSocket, fitsSocket } from './socket-place.js';

/** A frozen agent accepts connections and never answers. */
const answerMs = 10_000;
const answerBytesMax = 16 * 1024 * 1024;

/** What to ask for; `flush` and `rescan` are answered when they are done. */
export type AgentRequest =
  | { readonly ask: 'status' | 'pause' | 'flush' | 'rescan' }
  | { readonly ask: 'resume'; readonly allowDeletes: boolean }
  | { readonly ask: 'resolve'; readonly path: string; readonly keep: 'local' | 'remote' | 'both' }
  | { readonly ask: 'limit'; readonly bwlimit: number | null };

export interface AskOptions {
  /** Gives up waiting; the agent goes on with what it was asked. */
  readonly signal?: AbortSignal;
  /** How long an answer may take, ms. Default: 10,000; for `flush` and `rescan` there is no limit. */
  readonly timeoutMs?: number;
}

/**
 * Asks the agent of the pair with this state folder.
 * @returns its status afterwards
 * @throws `not-found`: no agent runs, or it ended before it answered; `permission`: it belongs to another user;
 * `protocol`: it does not answer, or not in a way that makes sense; `interrupted`: `signal` was aborted;
 * what the agent said otherwise, with its code
 */
export async function askAgent(
  folder: string,
  request: AgentRequest,
  options: AskOptions = {},
): Promise<Record<string, unknown>> {
  const socketPath = await findSocket(folder);
  // A longer one would be cut, and lead to somebody else.
  if (!fitsSocket(socketPath)) throw notRunning(folder);
  const { status, text } = await send(folder, socketPath, request, options);
  const body = parse(folder, text);
  if (status === 200) return body;
  throw refusal(folder, body);
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

function send(
  folder: string,
  socketPath: string,
  request: AgentRequest,
  options: AskOptions,
): Promise<Reply> {
  const { ask, ...fields } = request;
  const body = ask === 'status' ? '' : JSON.stringify(fields);
  const waits = ask === 'flush' || ask === 'rescan' || ask === 'resolve';
  const timeout = options.timeoutMs ?? (waits ? 0 : answerMs);
  return new Promise((resolve, reject) => {
    const call = httpRequest({
      socketPath,
      path: `/${ask}`,
      method: ask === 'status' ? 'GET' : 'POST',
      agent: false,
      timeout,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    call.once('timeout', () => call.destroy(silent(folder)));
    call.on('error', (error) => reject(failureOf(folder, error)));
    call.once('response', (response) => {
      readAll(folder, response).then(resolve, reject);
    });
    call.end(body);
  });
}

function readAll(folder: string, response: IncomingMessage): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > answerBytesMax) response.destroy(senseless(folder, null));
      else chunks.push(chunk);
    });
    response.once('error', (error) => reject(failureOf(folder, error)));
    response.once('end', () => {
      resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') });
    });
  });
}

function parse(folder: string, text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw senseless(folder, cause);
  }
  if (typeof value !== 'object' || value === null) throw senseless(folder, null);
  return { ...value };
}

function failureOf(folder: string, error: Error): TowlineError {
  if (error instanceof TowlineError) return error;
  if (error.name === 'AbortError') {
    return new TowlineError('interrupted', 'interrupted while waiting for the agent', { cause: error });
  }
  switch ('code' in error ? error.code : null) {
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ECONNREFUSED':
      return notRunning(folder, error);
    case 'ECONNRESET':
    case 'EPIPE':
      return new TowlineError('not-found', 'the agent ended before it answered', {
        path: folder,
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
      return new TowlineError('permission', `the agent's socket in ${folder} belongs to another user`, {
        path: folder,
        hint: 'Run this as the user the agent runs as',
        cause: error,
      });
    default:
      return senseless(folder, error);
  }
}

function refusal(folder: string, body: Record<string, unknown>): TowlineError {
  const { error } = body;
  if (typeof error !== 'object' || error === null) return senseless(folder, null);
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code !== 'string' || typeof message !== 'string') return senseless(folder, null);
  // Not we were interrupted but the agent, which is gone now.
  if (code === 'interrupted')
    return new TowlineError('not-found', 'the agent ended before it was done', { path: folder });
  // An agent of another version may know more of them.
  return new TowlineError(isErrorCode(code) ? code : 'protocol', message, { path: folder });
}

function notRunning(folder: string, cause?: unknown): TowlineError {
  return new TowlineError('not-found', 'no agent is running for this pair', {
    path: folder,
    hint: "Start one with 'towline watch'",
    cause,
  });
}

function silent(folder: string): TowlineError {
  return new TowlineError('protocol', 'the agent does not answer', {
    path: folder,
    hint: `It may be stopped or overloaded; its process id is in ${folder}/agent.lock`,
  });
}

function senseless(folder: string, cause: unknown): TowlineError {
  return new TowlineError('protocol', "the agent's answer makes no sense", {
    path: folder,
    hint: 'It may be of another version: restart it',
    cause,
  });
}
