/** An agent with typed events, methods in place of a control object, and a start of its own. */
import { EventEmitter } from 'node:events';
import { checkHooks, type RunHooks } from '../compose/hooks.js';
import type { PairParts } from '../compose/pair-parts.js';
import { shielded } from '../compose/shielded.js';
import { openPair } from '../compose.js';
import { checkCall } from '../config/check-call.js';
import { resolveBwlimit, resolveOptions } from '../config/resolve.js';
import { throwIfAborted, unlessAborted, whenAborted } from '../core/abort.js';
import { asTowlineError, TowlineError } from '../core/errors.js';
import type { Resolution } from '../core/policy.js';
import type { AgentEvent, SyncResult } from '../engine/events.js';
import { progressOfEvents } from '../engine/progress-events.js';
import type { AgentControl, AgentState, AgentStatus } from '../engine/status.js';
import { checkTarget } from '../remote.js';
import { systemClock } from '../system-clock.js';
import type { AgentEvents } from './agent-events.js';
import { type RunningAgent, runAgent } from './running.js';
import { plainOptions, type SyncOptions } from './sync-options.js';

/** An agent of the library: it runs from `start` to `stop`, once. */
export interface Agent extends AsyncDisposable {
  /**
   * Calls `listener` at each event of this name, until the returned function is called. Listeners are called in the middle of
   * the work: what takes long belongs elsewhere. One that throws (or whose promise rejects) harms nobody: that is an error in
   * the log, or a warning of the process where no log was given.
   */
  on<K extends keyof AgentEvents>(event: K, listener: (event: AgentEvents[K]) => void): () => void;
  /**
   * Starts it. Resolves once it runs: the first sync is still to come, and a link that cannot be had is waited for. Called
   * again it returns the same promise.
   * @throws `configuration`, `unsupported`, `locked`, `state`; `interrupted` when it was stopped meanwhile, or has ended
   */
  start(): Promise<void>;
  /** Ends it, within five seconds: what is in flight is finished, or gone on with at the next start. Never rejects. */
  stop(): Promise<void>;
  /**
   * Settles when it has ended: resolves when it was stopped, rejects with the `TowlineError` that kept it from starting or
   * made it halt (`authentication`, `host-key`, `drift`, `state`).
   */
  readonly done: Promise<void>;
  /** What it is doing just now. */
  readonly state: AgentState;
  /** All that is known of it at this moment. @throws `configuration` when it does not run */
  status(): Promise<AgentStatus>;
  /** The numbers since it started. @throws `configuration` before that */
  summary(): SyncResult;
  /** Nothing is sent or deleted until `resume`; changes are still noted. @throws `configuration` when it does not run */
  pause(): void;
  /**
   * Goes on after `pause`.
   * @param options `allowDeletes`: what the guard holds back may go now
   * @throws `configuration` when it does not run
   */
  resume(options?: { readonly allowDeletes?: boolean }): Promise<void>;
  /**
   * Resolves when the first sync is done and every change made before the call is on the other side (or is a problem, or is
   * held).
   * @param options `signal`: gives up waiting
   * @throws `configuration` when it does not run, `interrupted`, what made it halt
   */
  flush(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Compares everything now; resolves when what differs is carried over.
   * @param options `signal`: gives up waiting
   * @throws as `flush`
   */
  rescan(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Settles a conflict that waits for a person; resolves when the path was looked at again.
   * @param options `signal`: gives up waiting; what was decided holds
   * @throws `not-found` when the path has none; `configuration` when it does not run; `interrupted`
   */
  resolve(path: string, keep: Resolution, options?: { readonly signal?: AbortSignal }): Promise<void>;
  /**
   * Bounds the content of all transfers from now on, those under way included. A `Bwlimit` given as the option `bwlimit` is
   * changed for all who share it.
   * @param kibPerSecond KiB/s, 1 or more; `null` or 0: no limit
   * @throws `configuration`
   */
  setBwlimit(kibPerSecond: number | null): void;
}

/**
 * Makes an agent that keeps two sides in step, as `mode` says: once everything, then each change as it is made.
 * @param options checked here as far as they can be by themselves, and by `start` for the rest, before anything is touched
 * @throws `configuration`
 */
export function createAgent(options: SyncOptions, hooks: RunHooks = {}): Agent {
  const plain = plainOptions(options);
  checkHooks(hooks);
  resolveOptions(plain.pair);
  if (typeof plain.remote === 'string') checkTarget(plain.remote);
  return new EventfulAgent(plain, hooks);
}

class EventfulAgent implements Agent {
  readonly #options: PairParts;
  readonly #hooks: RunHooks;
  readonly #events = new EventEmitter();
  readonly #progressOf = progressOfEvents(systemClock);
  readonly #stopping = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #synced = Promise.withResolvers<void>();
  #forget: () => void = () => undefined;
  #started: Promise<void> | null = null;
  #running: RunningAgent | null = null;
  #over = false;

  constructor(options: PairParts, hooks: RunHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#events.setMaxListeners(0);
    // Who does not ask for them need not hear of their end.
    for (const { promise } of [this.#ended, this.#synced]) promise.catch(() => undefined);
    this.#forget = whenAborted(hooks.signal, () => void this.stop());
  }

  get done(): Promise<void> {
    return this.#ended.promise;
  }

  get state(): AgentState {
    if (this.#over) return 'stopped';
    return this.#running?.control.state ?? 'starting';
  }

  on<K extends keyof AgentEvents>(event: K, listener: (event: AgentEvents[K]) => void): () => void {
    const heard = shielded(event, listener, this.#hooks.log);
    this.#events.on(event, heard);
    return () => this.#events.off(event, heard);
  }

  start(): Promise<void> {
    if (this.#over && this.#running !== null) {
      const hint = 'Make another one with createAgent()';
      return Promise.reject(new TowlineError('interrupted', 'the agent has ended', { hint }));
    }
    this.#started ??= this.#start();
    return this.#started;
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new TowlineError('interrupted', 'the agent was stopped'));
    if (this.#started === null) this.#end(null);
    await Promise.allSettled([this.#started, this.#ended.promise]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async status(): Promise<AgentStatus> {
    return this.#control().status();
  }

  summary(): SyncResult {
    if (this.#running === null) throw notRunning();
    return this.#running.summary();
  }

  pause(): void {
    this.#control().pause();
  }

  async resume(options: { readonly allowDeletes?: boolean } = {}): Promise<void> {
    checkCall(options, { allowDeletes: 'boolean' });
    await this.#control().resume(options);
  }

  async flush(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkCall(options, { signal: 'signal' });
    const control = this.#control();
    await unlessAborted(
      this.#synced.promise.then(() => control.flush()),
      options.signal,
    );
  }

  async rescan(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    checkCall(options, { signal: 'signal' });
    await unlessAborted(this.#control().rescan(), options.signal);
  }

  async resolve(
    path: string,
    keep: Resolution,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    checkCall(options, { signal: 'signal' });
    await unlessAborted(this.#control().resolve(path, keep), options.signal);
  }

  setBwlimit(kibPerSecond: number | null): void {
    this.#options.throttle.set(resolveBwlimit(kibPerSecond ?? 0));
  }

  async #start(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      throwIfAborted(signal);
      const { onEvent } = this.#hooks;
      const hooks = {
        ...this.#hooks,
        signal,
        onEvent: (event: AgentEvent) => {
          this.#hear(event);
          onEvent?.(event);
        },
      };
      const pair = await openPair(this.#options, hooks, 'watch');
      pair.agent.control.onState((state, link) => this.#emit('state', { state, link }));
      this.#running = runAgent(pair, signal);
    } catch (error) {
      const typed = asTowlineError(error);
      this.#end(signal.aborted ? null : typed);
      throw typed;
    }
    this.#running.done.then(
      () => this.#end(null),
      (error: unknown) => this.#end(asTowlineError(error)),
    );
  }

  /** @param failure what ended it, unless it was asked to */
  #end(failure: TowlineError | null): void {
    this.#over = true;
    this.#forget();
    this.#synced.reject(failure ?? new TowlineError('interrupted', 'the agent was stopped'));
    if (failure === null) this.#ended.resolve();
    else this.#ended.reject(failure);
  }

  #control(): AgentControl {
    if (this.#running === null || this.#over) throw notRunning();
    return this.#running.control;
  }

  #emit<K extends keyof AgentEvents>(name: K, event: AgentEvents[K]): void {
    this.#events.emit(name, event);
  }

  #hear(event: AgentEvent): void {
    const progress = this.#progressOf(event);
    const step = progress === null ? null : { ...progress.file, total: progress.total };
    switch (event.type) {
      case 'transfer-start':
      case 'transfer-progress':
        if (step !== null) this.#emit(event.type, step);
        break;
      case 'transfer-end':
        if (step !== null) this.#emit('transfer-end', { ...step, ok: event.ok });
        break;
      case 'batch':
        this.#emit('batch', event.summary);
        break;
      case 'problem':
        this.#emit('problem', event.problem);
        break;
      case 'holds':
        this.#emit('holds', event.holds);
        break;
      case 'watching':
        this.#synced.resolve();
        break;
      case 'plan':
        this.#emit('plan', { actions: event.actions, files: event.files, bytes: event.bytes });
        break;
      case 'solved':
        this.#emit('solved', { path: event.path });
        break;
      case 'conflict':
      case 'notice':
        this.#emit(event.type, event);
        break;
      default:
        break;
    }
  }
}

function notRunning(): TowlineError {
  return new TowlineError('configuration', 'the agent does not run', { hint: 'Call start() first' });
}
