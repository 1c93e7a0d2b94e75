import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { CliContext } from '../../src/cli/context.js';
import { awaitArrival } from '../../src/cli/demo/files.js';
import { runDemo } from '../../src/cli/demo/run.js';
import { cycleLength, editOf, sampleFiles } from '../../src/cli/demo/script.js';
import { plan, sync, watch } from '../../src/index.js';
import { startSftpServer } from '../../src/ssh/server/server.js';
import { freshFolder } from '../support/folder.js';

interface Stage {
  readonly context: CliContext;
  readonly text: () => string;
  readonly interrupt: () => void;
}

/** The real library, with a screen that is kept and a signal that the test sends. */
function stage(onText: (text: string) => void = () => undefined): Stage {
  let text = '';
  let listener: () => void = () => undefined;
  const output = {
    isTTY: false,
    columns: () => 100,
    write: (more: string) => {
      text += more;
      onText(text);
      return true;
    },
  };
  const context: CliContext = {
    version: '0',
    sync,
    plan,
    watch,
    stdout: output,
    stderr: output,
    env: process.env,
    cwd: process.cwd(),
    now: () => new Date(),
    onSignal: (given) => {
      listener = given;
      return () => (listener = () => undefined);
    },
    exitNow: () => {
      throw new Error('exited at once');
    },
  };
  return { context, text: () => text, interrupt: () => listener() };
}

/** The temp folder named in what was told. */
function folderOf(text: string): string {
  return /^ {2}edited here +(.*)\/site$/m.exec(text)![1]!;
}

describe('towline demo', () => {
  test('shows a whole cycle of edits arriving, whole, and leaves nothing behind', async () => {
    const { context, text } = stage();
    const code = await runDemo(context, { rounds: cycleLength + 1, pauseMs: 10 }, startSftpServer);
    const lines = text().trimEnd().split('\n');
    const told = lines.filter((line) => line.includes('→')).map((line) => line.replace(/ → .*/, '').trim());
    expect(
      told.map((line) => line.split(' ')[0]),
      text(),
    ).toEqual(['sync', 'save', 'new', 'append', 'rename', 'burst', 'replace', 'delete', 'save']);
    for (const line of lines.filter((one) => one.includes('→'))) {
      const gone = line.startsWith('delete ');
      expect(line).toMatch(
        gone ? /→ gone from the server after [\d.]+ m?s$/ : /→ on the server after [\d.]+ m?s, whole$/,
      );
    }
    expect(lines.at(-2)).toMatch(/^8 edits and the first sync, .* all on the server, whole/);
    expect(lines.at(-1)).toContain('is removed');
    expect(existsSync(folderOf(text()))).toBe(false);
    expect(code).toBe(0);
  });

  test('goes on until it is interrupted, and then cleans up and exits with 0', async () => {
    const saved = Promise.withResolvers<undefined>();
    const begun = stage((text) => {
      if (text.includes('\nsave ')) saved.resolve(undefined);
    });
    void saved.promise.then(begun.interrupt);
    const code = await runDemo(begun.context, { pauseMs: 10 }, startSftpServer);
    expect(code, begun.text()).toBe(0);
    expect(begun.text()).toMatch(/\n\d+ edits? and the first sync/);
    expect(existsSync(folderOf(begun.text()))).toBe(false);
  });

  test('cleans up when the agent cannot start', async () => {
    const { context, text } = stage();
    const failing = { ...context, watch: () => Promise.reject(new Error('no agent today')) };
    await expect(runDemo(failing, { pauseMs: 10 }, startSftpServer)).rejects.toThrow('no agent today');
    expect(existsSync(folderOf(text()))).toBe(false);
  });
});

describe('what the demo claims', () => {
  const before = new Map([['file', 'old text']]);
  const after = new Map([['file', 'new text']]);
  const never = new AbortController().signal;

  test('a file that is seen half-way is not whole', async () => {
    const folder = freshFolder();
    await writeFile(join(folder, 'file'), 'new ');
    expect(await awaitArrival(folder, before, after, never, 30)).toEqual({ whole: false, afterMs: null });
  });

  test('what does not come is late, and what was there before is whole', async () => {
    const folder = freshFolder();
    await writeFile(join(folder, 'file'), 'old text');
    expect(await awaitArrival(folder, before, after, never, 30)).toEqual({ whole: true, afterMs: null });
  });

  test('the script can be played for ever: each edit fits what the ones before it left', () => {
    const files = new Map<string, string | null>(sampleFiles());
    for (let round = 0; round < 5 * cycleLength; round++) {
      const { after: changes, moved } = editOf(round);
      if (moved !== undefined) expect(files.get(moved.from)).toBe(changes.get(moved.to));
      for (const [path, content] of changes) {
        expect(files.get(path) ?? null, `${round} ${path}`).not.toBe(content);
        files.set(path, content);
      }
    }
  });
});
