/** Lines for people on the two standard streams. */
import type { CliContext, Output } from './context.js';
import type { OutputFlags } from './options.js';
import { printable, styleFor, type Style } from './text.js';

type Paint = keyof Style | 'plain';

/** Writes lines for people: makes them printable, colours them, and puts the time before them where it is wanted. */
export interface LineWriter {
  /** What went well, on stdout; silent with `-q`. */
  out(text: string, paint?: Paint): void;
  /** What a person must know even with `-q`, on stderr. */
  err(text: string, paint?: Paint): void;
}

/** A writer for `context`; with `times`, each line begins with the time of day. */
export function lineWriter(context: CliContext, flags: OutputFlags, times: boolean): LineWriter {
  const writeTo = (output: Output) => {
    const style = styleFor(output, context.env);
    return (text: string, paint: Paint = 'plain') => {
      const time = times ? `${style.faint(timeOfDay(context.now()))}  ` : '';
      const safe = printable(text);
      output.write(`${time}${paint === 'plain' ? safe : style[paint](safe)}\n`);
    };
  };
  const out = writeTo(context.stdout);
  return { out: flags.quiet ? () => undefined : out, err: writeTo(context.stderr) };
}

function timeOfDay(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((n) => String(n).padStart(2, '0'))
    .join(':');
}
