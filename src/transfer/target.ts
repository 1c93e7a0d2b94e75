/** Where a lane writes to: what it is given, and what it asks of it. */
import type { Entry } from '../core/entry.js';
import type { Source, Storage, Temp, TempAttributes } from '../ports.js';
import type { Throttle } from './throttle.js';

/** One file to be carried. */
export interface Carriage {
  readonly from: Pick<Storage, 'openSource' | 'clockOffsetMs' | 'hashInPlace'>;
  readonly to: Storage;
  readonly path: string;
  /** What the plan saw at the destination. */
  readonly expected: Entry | null;
  /** Called with what the source is when it is opened; throws when there is nothing to be carried any more. */
  readonly requireDue?: (source: Entry) => Promise<void>;
  /** Mode, time and owner the new file gets, and the lock of its path. */
  readonly attributes: (source: Entry) => Omit<TempAttributes, 'size' | 'sync'>;
  readonly sync: boolean;
  /** The hash of the content is wanted, however large it is. Default: up to 64 MiB. */
  readonly hashed?: boolean;
  readonly now: () => number;
  /** Called with every `bytes` more that were sent, or were there already. */
  readonly progress: (bytes: number) => void;
  /** Shared by all transfers. */
  readonly throttle: Throttle;
  readonly signal: AbortSignal;
}

/** The names of one transfer's temps, and what survives of them. */
export interface TransferTemps {
  /** A name that was never used, on record; called once per new temp. */
  fresh(): Promise<string>;
  /**
   * What an earlier attempt left of this path and can be continued; whatever else was left is removed first. Nothing can
   * be when the source is `null`. Called again when `resumed` was told that it did not work.
   */
  resumable(source: { fingerprint: string; size: number } | null): Promise<LeftTemp | null>;
  /** Whether it goes on under the name `to`; if not, what is left of it is removed. */
  resumed(left: LeftTemp, goesOn: boolean): Promise<void>;
  /** `bytes` of the content with this fingerprint are safely under this name. */
  progress(name: string, fingerprint: string, bytes: number): Promise<void>;
  /** Certainly nothing is left under this name. */
  gone(name: string): void;
}

/** A temp to go on with: the name it has, the one it is to get (on record, never used), and how much of it is trusted. */
export interface LeftTemp {
  readonly from: string;
  readonly to: string;
  readonly offset: number;
  /** The source is the one it was made of; else its beginning has to be proved. */
  readonly sure: boolean;
}

/** What one attempt writes to. */
export interface OpenTarget {
  readonly temp: Temp;
  /** The path it is written under. */
  readonly path: string;
  /** Whether the destination, looked at last, may be replaced; `made`: what was written, as the side made it. */
  readonly isAsExpected: (destination: Entry | null, made: Entry) => boolean;
  /** So much of the source's content is safely there. */
  readonly progress: (bytes: number) => Promise<void>;
  /** Nothing is left of it but what was published. */
  readonly gone: () => void;
}

/** Opens what is to be written to, for one attempt. */
export type OpenTargetFor = (source: Source) => Promise<OpenTarget>;
