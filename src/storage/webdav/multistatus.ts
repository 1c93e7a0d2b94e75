/** Reads the XML answer of PROPFIND and PROPPATCH (RFC 4918, sections 13 and 14). */
import { parseXML } from 'webdav';
import { TowlineError } from '../../core/errors.js';

/** What one `response` says of one resource. Times in ms since 1970; what is not told is `null`. */
export interface DavResponse {
  readonly href: string;
  /** Of the properties, or of the resource as a whole. */
  readonly status: number;
  readonly collection: boolean;
  readonly size: number | null;
  readonly mtimeMs: number | null;
  /** Without its quotes and its mark of weakness, which a server takes away once a second has passed. */
  readonly etag: string | null;
  /** Free bytes; `null` when it is not told or without a limit. */
  readonly freeBytes: number | null;
  /** It told something, and not even what kind of thing it is. */
  readonly kindless: boolean;
}

/** Text stays text (a name of digits is no number), and a listing may hold any number of `&amp;`. */
const parsing = {
  attributeNamePrefix: '@',
  attributeParsers: [],
  tagParsers: [() => undefined],
  entityDecoder: { limit: { maxTotalExpansions: 0, maxExpandedLength: 0 } },
};

/**
 * Reads a multistatus document.
 * @throws `protocol` when it is none
 */
export async function readMultistatus(xml: string, host: string): Promise<DavResponse[]> {
  const wrong = (cause?: unknown) =>
    new TowlineError('protocol', `${host} gave an answer that is no WebDAV listing`, {
      host,
      cause,
      hint: 'Check that the address is that of a WebDAV folder',
    });
  let responses: unknown;
  try {
    responses = (await parseXML(xml, parsing)).multistatus.response;
  } catch (error) {
    throw wrong(error);
  }
  if (!Array.isArray(responses)) throw wrong();
  return responses.map((response: unknown) => {
    const href = textOf(childOf(response, 'href'));
    if (href === null) throw wrong();
    return { href, ...propertiesOf(response) };
  });
}

function propertiesOf(response: unknown): Omit<DavResponse, 'href'> {
  const propstat = childOf(response, 'propstat');
  const status = statusOf(childOf(response, 'status') ?? childOf(propstat, 'status'));
  const properties = childOf(propstat, 'prop');
  const type = childOf(properties, 'resourcetype');
  const modified = Date.parse(textOf(childOf(properties, 'getlastmodified')) ?? '');
  const etag = textOf(childOf(properties, 'getetag'));
  return {
    status,
    collection: childOf(type, 'collection') !== undefined,
    size: numberOf(childOf(properties, 'getcontentlength')),
    mtimeMs: Number.isNaN(modified) ? null : modified,
    etag: etag === null || etag === '' ? null : plainEtag(etag),
    freeBytes: numberOf(childOf(properties, 'quota-available-bytes')),
    kindless: childOf(response, 'status') === undefined && (type === undefined || status >= 300),
  };
}

/** An entity tag without its quotes and its mark of weakness. */
export function plainEtag(etag: string): string {
  return etag.replace(/^W\//, '').replaceAll('"', '');
}

function childOf(node: unknown, name: string): unknown {
  if (typeof node !== 'object' || node === null || !Object.hasOwn(node, name)) return undefined;
  const child: unknown = Reflect.get(node, name);
  return Array.isArray(child) ? (child as unknown[])[0] : child;
}

/** The text of an element, which is an object when it has attributes. */
function textOf(node: unknown): string | null {
  if (typeof node === 'string') return node;
  const text = childOf(node, 'text');
  return typeof text === 'string' ? text : null;
}

function numberOf(node: unknown): number | null {
  const text = textOf(node);
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

/** Of a status line: `HTTP/1.1 200 OK`. None at all means that all is well. */
function statusOf(node: unknown): number {
  const line = textOf(node);
  if (line === null) return 200;
  return Number(/^\s*\S+\s+(\d{3})/.exec(line)?.[1] ?? 500);
}
