/** What this machine brings: Node, and ssh2's native crypto. */
import { nativeCryptoActive } from '../ssh/native.js';
import type { Report } from './check.js';

/** As package.json asks for. */
const wanted = [22, 22] as const;

export function checkMachine(report: Report): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const text = `Node ${process.versions.node} (${process.execPath})`;
  const old = major < wanted[0] || (major === wanted[0] && minor < wanted[1]);
  if (old) report.warn('node', text, `Install Node ${wanted.join('.')} or newer`);
  else report.ok('node', text);
  if (nativeCryptoActive()) report.ok('native-crypto', "ssh2's native crypto is in use");
  else {
    report.warn(
      'native-crypto',
      "ssh2's native crypto is not built for this Node: SSH works, at a fraction of its speed",
      'Run npm rebuild ssh2 cpu-features with this Node',
    );
  }
}
