import { TowlineError } from '../core/errors.js';
import type { Clock } from '../ports.js';
import type { Session } from './session.js';
import type { Transport } from './transport.js';

export interface KeepaliveOptions {
  readonly label: string;
  readonly clock: Clock;
  /** Silence after which we ask. */
  readonly silenceMs: number;
  /** How long the answer may take. */
  readonly answerMs: number;
}

/** The clock moved this much more than we slept: the machine was suspended. */
const jumpMs = 10_000;
/** After that the other side has most likely forgotten us, and finding out should be quick. */
const answerAfterJumpMs = 5_000;

/**
 * Asks a silent server for a sign of life, and ends the connection when none comes: a half-open connection says nothing
 * by itself. The question is an SFTP request, because some servers count nothing else as activity, and because it
 * proves what matters: that files can be worked on.
 *
 * A channel with requests under way is left alone: they have a deadline of their own, which knows of slow ones.
 * @returns a function that ends it
 */
export function keepAlive(transport: Transport, session: Session, options: KeepaliveOptions): () => void {
  const { label, clock, silenceMs, answerMs } = options;
  const tickMs = Math.max(1, Math.floor(silenceMs / 3));
  let startedMs = clock.now();
  let cancelTick: () => void = () => undefined;
  let cancelAnswer: (() => void) | null = null;

  const answered = () => {
    cancelAnswer?.();
    cancelAnswer = null;
  };
  const ask = (withinMs: number, even: boolean) => {
    const channels = session.channels;
    const channel = channels.find((one) => one.underWay === 0) ?? (even ? channels[0] : undefined);
    if (cancelAnswer !== null || (channel === undefined && channels.length > 0)) return;
    const repliesBefore = session.replies;
    cancelAnswer = clock.timer(withinMs, () => {
      cancelAnswer = null;
      if (session.replies !== repliesBefore) return;
      const what = `${label} gave no sign of life within ${Math.round(withinMs / 1000)} s`;
      transport.destroy(new TowlineError('network', what, { host: label }));
    });
    // A refusal is a sign of life too; a channel that dies of it is the session's to deal with.
    const target = channel === undefined ? session.channel('transfer') : Promise.resolve(channel);
    target.then((open) => open.realPath('.')).then(answered, answered);
  };
  const tick = () => {
    const nowMs = clock.now();
    const jumped = Math.abs(nowMs - startedMs - tickMs) > jumpMs;
    if (jumped) ask(Math.min(answerMs, answerAfterJumpMs), true);
    else if (nowMs - session.lastReplyMs >= silenceMs) ask(answerMs, false);
    startedMs = nowMs;
    cancelTick = clock.timer(tickMs, tick);
  };
  cancelTick = clock.timer(tickMs, tick);
  return () => {
    cancelTick();
    answered();
  };
}
