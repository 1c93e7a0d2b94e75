/** The processes that the bench starts: each leads a group of its own, which ends with it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // The whole group has ended already.
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Starts processes and remembers those that run. */
export class Children {
  #running = new Set();

  /** Like `spawn`; the group is gone when `end` resolves, or with `endAll`. */
  start(file, args, options = {}) {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options, detached: true });
    if (child.pid !== undefined) this.#running.add(child.pid);
    child.on('exit', () => this.#running.delete(child.pid));
    return child;
  }

  /** Asks a child to end, and makes its group end when it has not after 10 s. */
  async end(child, signal = 'SIGTERM') {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill(signal);
      const timer = setTimeout(() => signalGroup(child.pid, 'SIGKILL'), 10_000);
      await ended;
      clearTimeout(timer);
    }
    signalGroup(child.pid, 'SIGKILL');
  }

  /** Ends everything that still runs, at once. */
  endAll() {
    for (const pid of this.#running) signalGroup(pid, 'SIGKILL');
    this.#running.clear();
  }
}
