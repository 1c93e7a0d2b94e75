/** Which line of which file knows a server's key: the verifier only says yes or no. */
import type { ResolvedHost } from '../ssh/config.js';
import { readKnownHosts } from '../ssh/known-hosts-file.js';
import { lookupHost } from '../ssh/known-hosts.js';

/**
 * The line that knows this key, as `FILE:LINE`; `null`: none does.
 * @param key in wire format
 * @throws TowlineError `configuration` when a file cannot be read
 */
export async function placeOfKey(resolved: ResolvedHost, key: Buffer): Promise<string | null> {
  const files = await readKnownHosts([...resolved.userKnownHostsFiles, ...resolved.globalKnownHostsFiles]);
  // A HostKeyAlias is looked up as it is; and the key of port 22 counts on a port of which nothing is known.
  const host = resolved.hostKeyAlias ?? resolved.hostName;
  const ports = resolved.hostKeyAlias === null ? [resolved.port, 22] : [22];
  const line = ports
    .flatMap((port) => lookupHost(files, host, port))
    .find(({ marker, blob }) => marker === 'host' && blob.equals(key));
  return line === undefined ? null : `${line.file}:${String(line.line)}`;
}
