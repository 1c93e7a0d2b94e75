/** Asks for the user's agreement to what a towline.json reaches for: by a flag, once. */
import { type Configuration, profilesFile } from '../config/load.js';
import { isTrusted, trust, trustFile } from '../config/trust.js';
import { asTowlineError, TowlineError } from '../core/errors.js';
import type { CliContext } from './context.js';
import { printable } from './text.js';

/**
 * @param agreed `--trust` was given: it is remembered, until the file asks for something else
 * @throws TowlineError `configuration` that shows what the file asks for
 */
export async function assertTrusted(
  context: CliContext,
  { file, reach }: Configuration,
  agreed: boolean,
): Promise<void> {
  if (file === null || reach.length === 0) return;
  const place = { file: trustFile(profilesFile(context.env)), about: file };
  if (agreed) {
    try {
      await trust(place, reach);
    } catch (error) {
      const { message } = asTowlineError(error);
      context.stderr.write(
        `towline: that ${printable(file)} is trusted could not be remembered: ${printable(message)}\n`,
      );
    }
    return;
  }
  if (await isTrusted(place, reach)) return;
  throw new TowlineError(
    'configuration',
    `${file} asks for what you have not agreed to: ${reach.join('; ')}`,
    {
      path: file,
      hint: 'If you want that, say --trust once: it is remembered until it changes',
    },
  );
}
