/** A `watch` that systemd looks after: what it is told, and when. Elsewhere nothing of this does anything. */
import type { Command } from 'commander';
import type { AgentEvent, RunningAgent } from '../index.js';
import { createNotifier } from '../serve/notify.js';
import { supervise, type Supervisor } from '../serve/supervise.js';
import type { CliContext, Log } from './context.js';
import { oneLineStatus } from './status-lines.js';

/** Declares the flag for services. */
export function addServiceFlags(command: Command): void {
  command
    .optionsGroup('As a service:')
    .option('--ready-after-sync', 'tell systemd that it is up only once the first sync is done');
}

/** Tells systemd of an agent. */
export interface ServiceReport {
  note(event: AgentEvent): void;
  attach(agent: RunningAgent): void;
  stopping(): void;
  close(): Promise<void>;
}

/**
 * A report to the service manager of this process, if there is one.
 * @param readyAfterSync whether the service counts as up only after the first sync, which may take hours; else as soon
 * as it watches
 */
export function serviceReport(context: CliContext, log: Log, readyAfterSync: boolean): ServiceReport {
  const notifier = createNotifier({ env: context.env, log, pid: process.pid });
  const supervisor = supervise({ notifier, log });
  return {
    note: (event) => note(supervisor, event, readyAfterSync),
    attach: (agent) =>
      supervisor.attach({
        statusText: async () => oneLineStatus(await agent.control.status()),
        alive: () => agent.alive(),
      }),
    stopping: () => supervisor.stopping(),
    close: () => supervisor.close(),
  };
}

function note(supervisor: Supervisor, event: AgentEvent, readyAfterSync: boolean): void {
  if (event.type === 'watching' || (!readyAfterSync && isUp(event))) supervisor.ready();
  supervisor.changed();
}

/** No change is missed from here on; a server that cannot be reached yet is waited for as at any time. */
function isUp(event: AgentEvent): boolean {
  return event.type === 'watcher-ready';
}
