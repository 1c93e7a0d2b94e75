/**
 * What can be asked of a running agent from outside, as far as the socket has to know: the engine's `AgentControl` is
 * one. A status is passed on as it is, as JSON.
 */
export interface Controllable {
  status(): Promise<object>;
  pause(): void;
  resume(options: { readonly allowDeletes: boolean }): Promise<void>;
  /** Resolves when every change made before the call is on the other side, or is a problem, or is held. */
  flush(): Promise<void>;
  /** Resolves when everything was compared and what that found is done. */
  rescan(): Promise<void>;
  /** Settles the conflict of a path: resolves when it was looked at again. `not-found` when there is none. */
  resolve(path: string, keep: 'local' | 'remote' | 'both'): Promise<void>;
  /** @param kibPerSecond above 0, or `null` for no limit */
  limit(kibPerSecond: number | null): void;
}
