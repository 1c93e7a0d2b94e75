import { TowlineError, type ErrorCode } from '../../src/core/errors.js';
import type { Knobs } from './knobs.js';
import type { Random } from './random.js';
import type { Fault, Side, Weather } from './wire.js';

const none: Fault = { type: 'none' };
const refusals: readonly ErrorCode[] = ['permission', 'changed', 'protocol', 'no-space', 'network'];
const readRefusals: readonly ErrorCode[] = ['permission', 'changed', 'vanished'];
const readable = ['openSource', 'read', 'observe', 'scan', 'readText', 'hash'];
const writeRefusals: readonly ErrorCode[] = ['permission', 'changed', 'no-space'];
const writable = [
  ...['createTemp', 'resumeTemp', 'write', 'complete', 'publish'],
  ...['makeDirectory', 'makeSymlink', 'setMetadata', 'move', 'remove'],
];

/** Weather by the dice, until it calms down. */
export class SeededWeather implements Weather {
  calm = false;
  /** The volume of the state has no room for a while. */
  stateFull = false;
  readonly denials: Record<Side, Map<string, 'list' | 'all'>> = { local: new Map(), remote: new Map() };
  readonly #random: Random;
  readonly #knobs: Knobs;
  readonly #onCrash: () => void;
  readonly #onCall: () => void;

  readonly #dealt = new Set<unknown>();

  constructor(random: Random, knobs: Knobs, onCrash: () => void, onCall: () => void) {
    this.#random = random;
    this.#knobs = knobs;
    this.#onCrash = onCrash;
    this.#onCall = onCall;
  }

  /** Whether an error is one of its own. */
  dealt(error: unknown): boolean {
    return this.#dealt.has(error);
  }

  fault(side: Side, operation: string): Fault {
    if (this.calm) return none;
    const random = this.#random;
    if (random.chance(this.#knobs.editNow)) this.#onCall();
    const { refused, lostReply, disconnect, crash } = this.#knobs.faults;
    let die = random.next();
    if ((die -= crash) < 0) return { type: 'crash', done: random.chance(0.5) };
    if (side === 'local') {
      const codes = readable.includes(operation) ? readRefusals : writeRefusals;
      if (die >= refused || !(readable.includes(operation) || writable.includes(operation))) return none;
      return this.#refuse(random.pick(codes));
    }
    if ((die -= refused) < 0) {
      return this.#refuse(random.pick(refusals));
    }
    if ((die -= lostReply) < 0) return { type: 'lost-reply' };
    if (die - disconnect < 0) return { type: 'disconnect', done: random.chance(0.5) };
    return none;
  }

  #refuse(code: ErrorCode): Fault {
    const error = new TowlineError(code, 'refused by the dice');
    this.#dealt.add(error);
    return { type: 'refused', error };
  }

  latencyMs(side: Side): number {
    if (side === 'local') return this.#random.chance(0.1) ? 1 : 0;
    return this.#random.below(this.#knobs.latencyMs + 1);
  }

  downMs(): number {
    return this.#random.pick([0, 10, 1_000, 20_000]);
  }

  frozenMs(): number | null {
    return this.#random.chance(this.#knobs.faults.frozen) ? this.#random.pick([0, 5, 100, 5_000]) : null;
  }

  denied(side: Side, path: string): 'no' | 'list' | 'all' {
    return this.denials[side].get(path) ?? 'no';
  }

  crash(): void {
    this.#onCrash();
  }
}
