import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { hasErrno } from '../core/errors.js';

/** A process, told apart from a later one with the same id. */
interface Holder {
  readonly pid: number;
  /** Clock ticks from boot to the start of the process (Linux), else `null`. */
  readonly started: string | null;
}

/**
 * Field 22 of /proc/<pid>/stat (proc_pid_stat(5)); `null` where there is no such file. The second field, the command in
 * parentheses, may hold anything: fields are counted from the last parenthesis.
 */
function startOf(pid: number): string | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? null;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH', 'EACCES')) return null;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasErrno(error, 'EPERM');
  }
}

function parseHolder(text: string): Holder | null {
  const [pid, started] = text.trim().split(' ');
  const id = Number(pid);
  return Number.isSafeInteger(id) && id > 0 ? { pid: id, started: started ?? null } : null;
}

/** Writes this process's id (and start) to the file, in one step. Only whoever has the lock may. */
export function writeHolder(file: string): void {
  const started = startOf(process.pid);
  const next = `${file}.new`;
  writeFileSync(next, `${process.pid}${started === null ? '' : ` ${started}`}\n`, { mode: 0o600 });
  renameSync(next, file);
}

/** The id of the process that wrote the file if that very process still lives, else `null`. */
export function livingHolder(file: string): number | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
  const holder = parseHolder(text);
  if (holder === null || !isAlive(holder.pid)) return null;
  const same = holder.started === null || startOf(holder.pid) === holder.started;
  return same ? holder.pid : null;
}
