import type { Prompts } from '../../src/ssh/prompts.js';

export interface ScriptPrompts extends Prompts {
  /** What was asked, in order; `hidden: ` ahead of what must not be shown. */
  readonly asked: readonly string[];
}

/** A person who answers as agreed, in this order; an error is thrown. */
export function scriptPrompts(...answers: readonly (string | Error)[]): ScriptPrompts {
  const asked: string[] = [];
  const left = [...answers];
  const reply = (question: string): Promise<string> => {
    asked.push(question);
    const answer = left.shift();
    if (typeof answer === 'string') return Promise.resolve(answer);
    return Promise.reject(answer ?? new Error(`nobody answers: ${question}`));
  };
  return { asked, secret: (question) => reply(`hidden: ${question}`), answer: reply };
}
