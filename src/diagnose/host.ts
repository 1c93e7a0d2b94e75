/** What a host was resolved to. */
import { existsSync } from 'node:fs';
import type { ResolvedHost } from '../ssh/config.js';
import type { Report } from './check.js';
import { listText, shortPath } from './words.js';

/** Says what ssh_config makes of the host, and which files count. */
export function checkHost(report: Report, resolved: ResolvedHost): void {
  const { alias, user, hostName, port } = resolved;
  const source = resolved.source === 'ssh' ? 'asked of ssh -G' : 'there is no ssh on this machine to ask';
  report.ok('host', `${alias} is ${user} at ${hostName}, port ${String(port)} (${source})`);
  checkIdentities(report, resolved);
  const known = [...resolved.userKnownHostsFiles, ...resolved.globalKnownHostsFiles];
  report.ok('known-hosts', `known_hosts files: ${present(known)}`);
  const { proxyJump, proxyCommand } = resolved;
  if (proxyJump !== null) report.ok('jump', `reached through ${proxyJump} (ProxyJump)`);
  // Its arguments may hold what is for nobody else.
  else if (proxyCommand !== null)
    report.ok('jump', `reached through ${proxyCommand.split(/\s/, 1)[0] ?? ''} (ProxyCommand)`);
}

function checkIdentities(report: Report, resolved: ResolvedHost): void {
  const files = resolved.identityFiles.map(({ path }) => path);
  const { identityAgent, identitiesOnly } = resolved;
  const only = identitiesOnly ? ' (IdentitiesOnly)' : '';
  const text = `key files: ${present(files)}${only}; agent: ${identityAgent === null ? 'none' : shortPath(identityAgent)}`;
  if (identityAgent !== null && !existsSync(identityAgent)) {
    report.warn('identities', `${text}, which is not there`, 'Start it, or unset SSH_AUTH_SOCK');
  } else report.ok('identities', text);
}

/** Those that exist; the usual places are named by ssh whether there is anything or not. */
function present(files: readonly string[]): string {
  const there = files.filter((file) => existsSync(file));
  if (there.length > 0) return listText(there.map(shortPath));
  return `none (looked for ${listText(files.map(shortPath))})`;
}
