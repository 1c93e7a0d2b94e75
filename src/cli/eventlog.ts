/** Events as log messages, where nobody watches a terminal. */
import type { AgentEvent } from '../index.js';
import type { Log } from './context.js';

type LinkState = Extract<AgentEvent, { type: 'link' }>['state'];
type Conflict = Extract<AgentEvent, { type: 'conflict' }>;
type Notice = Extract<AgentEvent, { type: 'notice' }>;

type Fields = Record<string, unknown>;
type Entry = readonly [level: keyof Log, message: string, fields: Fields];

/** A listener that writes every event worth keeping to `log`, each with the event's type in the field `event`. */
export function eventLog(log: Log): (event: AgentEvent) => void {
  return (event) => {
    const entry = entryOf(event);
    if (entry === null) return;
    const [level, message, fields] = entry;
    log[level](message, { event: event.type, ...fields });
  };
}

function entryOf(event: AgentEvent): Entry | null {
  switch (event.type) {
    case 'link':
      return linkEntry(event.state);
    case 'scan-start':
      return ['debug', 'comparing both sides', { cause: event.cause }];
    case 'scan-end':
      return ['debug', 'compared both sides', { entries: event.entries, durationMs: event.durationMs }];
    case 'watcher-ready':
      return ['debug', 'changes are seen', {}];
    case 'watching':
      return ['info', 'watching', {}];
    case 'planned':
      return ['debug', 'planned', { ...event.action }];
    case 'transfer-start':
      return ['debug', 'sending', { path: event.path, size: event.size }];
    case 'transfer-end':
      return ['debug', event.ok ? 'sent' : 'not sent', { path: event.path, size: event.size }];
    case 'batch':
      return ['info', 'batch', { ...event.summary }];
    case 'conflict':
      return conflictEntry(event);
    case 'problem':
      return ['warn', event.problem.message, { path: event.problem.path, code: event.problem.code }];
    case 'solved':
      return ['info', 'solved', { path: event.path }];
    case 'holds':
      return event.holds.length > 0
        ? ['warn', 'deletions held back', { holds: event.holds }]
        : ['info', 'deletions go on', {}];
    case 'notice':
      return noticeEntry(event);
    // One line per piece of a file or of a listing would drown the rest.
    case 'scan-progress':
    case 'scan-found':
    case 'scan-listed':
    case 'transfer-progress':
    case 'plan':
      return null;
  }
}

function linkEntry(state: LinkState): Entry {
  switch (state.name) {
    case 'connecting':
      return ['debug', 'connecting', { state: state.name, attempt: state.attempt }];
    case 'ready':
      return ['info', 'connected', { state: state.name, epoch: state.epoch }];
    case 'waiting': {
      const retryAt = new Date(state.retryAtMs).toISOString();
      return [
        'warn',
        'no connection',
        { state: state.name, attempt: state.attempt, retryAt, error: state.error },
      ];
    }
    case 'halted':
      return ['error', 'halted', { state: state.name, error: state.error }];
    case 'closed':
      return ['debug', 'connection closed', { state: state.name }];
  }
}

/** One that waits is a problem too, and that is the warning. */
function conflictEntry({ path, cause, resolution, side, copy }: Conflict): Entry {
  return [resolution === 'waiting' ? 'info' : 'warn', cause, { path, resolution, side, copy }];
}

function noticeEntry({ level, code, message, path, side }: Notice): Entry {
  const place = { ...(path === undefined ? {} : { path }), ...(side === undefined ? {} : { side }) };
  // Slower crypto is no news for someone who did not ask.
  return [code === 'native-crypto' ? 'debug' : level, message, { code, ...place }];
}
