/** lsyncd over ssh, as quick as it can be told to be. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Starts it on a pair; it syncs with rsync first. */
export function startLsyncd(children, { local, remote, sshConfig, folder }) {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'lsyncd.lua');
  const text = `settings { nodaemon = true, maxProcesses = 1, logfile = "${join(folder, 'lsyncd.log')}" }
sync {
  default.rsyncssh,
  source = "${local}",
  host = "box",
  targetdir = "${remote}",
  delay = 0,
  ssh = { _extra = { "-F", "${sshConfig}" } },
  rsync = { rsh = "ssh -F ${sshConfig}", links = true, times = true, perms = true },
}
`;
  writeFileSync(config, text);
  return children.start('lsyncd', [config], { stdio: ['ignore', 'ignore', 'ignore'] });
}
