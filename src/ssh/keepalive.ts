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

export interface Keepalive {
  /** Asks at once, whatever is under way, and waits for the answer for a few seconds only. */
  ask(): void;
  stop(): void;
}

/** After sleep or in another network the other side is most likely gone, and finding out should be quick. */
const promptAnswerMs = 5_000;

/**
 * Asks a silent server for a sign of life, and ends the connection when none comes: a half-open connection says nothing
 * by itself. The question is an SFTP request, because some servers count nothing else as activity, and because it
 * proves what matters: that files can be worked on.
 *
 * A channel with requests under way is left alone: they have a deadline of their own, which knows of slow ones.
 */
export function keepAlive(transport: Transport, session: Session, options: KeepaliveOptions): Keepalive {
  const { label, clock, silenceMs, answerMs } = options;
  const tickMs = Math.max(1, Math.floor(silenceMs / 3));
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
    if (clock.now() - session.lastReplyMs >= silenceMs) ask(answerMs, false);
    cancelTick = clock.timer(tickMs, tick);
  };
  cancelTick = clock.timer(tickMs, tick);
  return {
    ask: () => {
      // A question that is out already was asked of a world that is gone; its deadline is not ours now.
      answered();
      ask(Math.min(answerMs, promptAnswerMs), true);
    },
    stop: () => {
      cancelTick();
      answered();
    },
  };
}

/** We ask at least as often as ServerAliveInterval says, and wait for as long as it allows. All in ms. */
export function aliveLimits(
  serverAlive: { readonly intervalMs: number; readonly countMax: number } | undefined,
  { keepaliveMs, pingTimeoutMs }: { readonly keepaliveMs: number; readonly pingTimeoutMs: number },
): { silenceMs: number; answerMs: number } {
  if (serverAlive === undefined) return { silenceMs: keepaliveMs, answerMs: pingTimeoutMs };
  const { intervalMs, countMax } = serverAlive;
  return { silenceMs: Math.min(keepaliveMs, intervalMs), answerMs: intervalMs * Math.max(1, countMax) };
}
