/** What the help says of defaults, held against the defaults. */
import { expect, test } from 'vitest';
import { resolveOptions } from '../../src/config/resolve.js';
import { run } from './fakes.js';

/** Each flag of a command that takes a value, and its default as the help tells it. */
async function defaultsIn(command: string): Promise<ReadonlyMap<string, string | null>> {
  const { stdout } = await run([command, '--help']);
  const entries = stdout.replace(/\s+/g, ' ').split(/ (?=(?:-\w, )?--[a-z-]+ )/);
  const valued = entries.flatMap((entry) => {
    const flag = /^(?:-\w, )?(--[a-z-]+) </.exec(entry)?.[1];
    return flag === undefined ? [] : [[flag, /[(;] ?default: ([^;)]*)/.exec(entry)?.[1] ?? null] as const];
  });
  return new Map(valued);
}

test('what the help calls a default is one', async () => {
  const resolved = resolveOptions({ local: '.', remote: 'box:x' });
  const defaults = await defaultsIn('watch');
  const told = {
    '--mode': resolved.mode,
    '--conflict': resolved.conflict,
    '--max-conflict-copies': String(resolved.maxConflictCopies),
    '--on-drift': resolved.onDrift,
    '--compare': resolved.compare,
    '--verify': resolved.verify,
    '--transport': resolved.transport,
    '--settle-ms': String(resolved.settleMs),
    '--settle-max-ms': String(resolved.settleMaxMs),
    '--remote-poll-seconds': String(resolved.remotePollMs / 1000),
    '--rescan-minutes': String(resolved.rescanMs / 60_000),
  };
  for (const [flag, value] of Object.entries(told)) expect(defaults.get(flag), flag).toBe(value);
  expect(resolved).toMatchObject({ bwlimit: null, maxSize: null, delete: false, fsync: false });
  for (const flag of ['--bwlimit', '--max-size']) expect(defaults.get(flag), flag).toBe('no limit');
});

test.each(['push', 'pull', 'sync'])('%s without --mode has the mode that its help says', async (verb) => {
  const given = verb === 'pull' ? ['box:x', '.'] : ['.', 'box:x'];
  const [call] = (await run([verb, ...given])).calls;
  expect((await defaultsIn(verb)).get('--mode')).toBe(call?.options.mode ?? 'push');
});

test.each(['push', 'watch'])('%s: flags without a default are those that have none', async (command) => {
  const without = [...(await defaultsIn(command))].flatMap(([flag, value]) => (value === null ? [flag] : []));
  expect(without).toEqual([
    ...['--password-file', '--password-command', '--passphrase-file'],
    ...['--exclude', '--include', '--exclude-up', '--exclude-down', '--exclude-from', '--filter-from'],
    ...['--chmod', '--after-sync', '--after-sync-remote', '--profile'],
  ]);
});
