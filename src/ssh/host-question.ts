import { fingerprintOf, keyKindOf, keyTypeOf } from './host-key.js';
import type { UnknownHost } from './host-verifier.js';

const triesMax = 3;

/**
 * Asks a person whether an unknown host's key is the right one, as ssh does: yes, no, or the fingerprint itself, which is
 * compared.
 * @param ask shows a question and resolves with the answer
 * @returns whether the key is to be trusted
 */
export async function askAboutHost(
  { name, key }: UnknownHost,
  ask: (question: string) => Promise<string>,
): Promise<boolean> {
  const fingerprint = fingerprintOf(key);
  const kind = keyKindOf(keyTypeOf(key) ?? 'unknown');
  let question =
    `${name} is not known: nothing tells yet whether it is the right host.\n` +
    `Its ${kind} key fingerprint is ${fingerprint}.\n` +
    'Connect, and remember this key (yes/no/[fingerprint])? ';
  for (let tries = 0; tries < triesMax; tries++) {
    const answer = (await ask(question)).trim();
    if (answer.toLowerCase() === 'yes' || answer === fingerprint) return true;
    if (answer.toLowerCase() === 'no') return false;
    question = "Please type 'yes', 'no' or the fingerprint: ";
  }
  return false;
}
