import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  /** The command line, arguments joined by blanks (what `ps` calls `command`). */
  readonly command: string;
}

/** Every process of the machine; one that ended meanwhile is left out. */
export function allProcesses(): RunningProcess[] {
  return existsSync('/proc/self/stat') ? fromProc() : fromPs();
}

/** The children of `root`, their children, and so on (not `root` itself), parents before children. */
export function descendantsOf(root: number): RunningProcess[] {
  const all = allProcesses();
  const found: RunningProcess[] = [];
  const parents = new Set([root]);
  for (let before = 0; parents.size > before;) {
    before = parents.size;
    for (const one of all) {
      if (!parents.has(one.parent) || parents.has(one.pid)) continue;
      parents.add(one.pid);
      found.push(one);
    }
  }
  return found;
}

/** Sends a signal; false when the process is gone already. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (isGone(error, 'ESRCH')) return false;
    throw error;
  }
}

function fromProc(): RunningProcess[] {
  const found: RunningProcess[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      // "pid (comm) state ppid …": comm may hold blanks and brackets.
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z' || parent === undefined) continue;
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      found.push({ pid: Number(name), parent: Number(parent), command });
    } catch (error) {
      if (!isGone(error, 'ENOENT') && !isGone(error, 'ESRCH')) throw error;
    }
  }
  return found;
}

function fromPs(): RunningProcess[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,command='], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    return match ? [{ pid: Number(match[1]), parent: Number(match[2]), command: match[3]! }] : [];
  });
}

function isGone(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
