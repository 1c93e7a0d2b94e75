import type { IncomingMessage } from 'node:http';
import { TowlineError } from '../core/errors.js';

const bodyBytesMax = 64 * 1024;

/**
 * The object in the body of a request; an empty body is an empty object.
 * @throws `configuration` when it is longer than 64 KiB, or anything but a JSON object
 */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const text = await readText(request);
  if (text.trim() === '') return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TowlineError('configuration', 'the body is no JSON', { cause });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new TowlineError('configuration', 'the body must be a JSON object');
}

function readText(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      // The rest is read and dropped, so that the answer reaches a client that still writes.
      if (bytes <= bodyBytesMax) chunks.push(chunk);
      else reject(new TowlineError('configuration', `the body is longer than ${bodyBytesMax / 1024} KiB`));
    });
    request.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.once('error', reject);
  });
}
