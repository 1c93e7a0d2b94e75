/** `towline demo`: an embedded SFTP server, a sample folder, and the real agent between them. */
import { type Command, InvalidArgumentError } from 'commander';
import { startSftpServer } from '../index.js';
import type { CliContext } from './context.js';
import { runDemo } from './demo/run.js';

const usualPauseMs = 2000;

const description = [
  "Starts an SFTP server on this machine's loopback and the agent, edits a sample folder now and then, and tells when",
  'each edit is on the server. Everything lives in a temp folder that is removed at the end; nothing of yours is touched.',
].join(' ');

/** Declares the command; `ended` is told its exit code. */
export function addDemo(program: Command, context: CliContext, ended: (code: number) => void): void {
  program
    .command('demo')
    .usage('[options]')
    .summary('show it at work, with nothing to set up')
    .description(description)
    .option('--rounds <n>', 'end after this many edits (default: go on until interrupted)', wholeNumber)
    .option('--pause-ms <ms>', 'time between two edits', wholeNumber, usualPauseMs)
    .action(async (options: { rounds?: number; pauseMs: number }) => {
      ended(await runDemo(context, options, startSftpServer));
    });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('A whole number is wanted.');
  return Number(text);
}
