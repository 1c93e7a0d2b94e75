import { describe, expect, test } from 'vitest';
import type { CliContext } from '../../src/cli/context.js';
import { lineWriter } from '../../src/cli/linewriter.js';
import { type Progress, promptHooks, startProgress } from '../../src/cli/progress.js';
import { progressLines } from '../../src/cli/progress-lines.js';
import { ProgressNumbers } from '../../src/cli/progress-numbers.js';
import { styleFor } from '../../src/cli/text.js';
import { TowlineError } from '../../src/core/errors.js';
import type { AgentEvent } from '../../src/index.js';
import { batch, run } from './fakes.js';
import { Screen } from './screen.js';

const MiB = 2 ** 20;
const plain = styleFor({ isTTY: false, columns: () => 80, write: () => true }, {});

function found(...files: (readonly [path: string, size: number])[]): AgentEvent {
  return { type: 'scan-found', files: files.map(([path, size]) => ({ path, size })) };
}

function sent(path: string, size: number): AgentEvent[] {
  return [
    { type: 'transfer-start', action: 'upload', path, size },
    { type: 'transfer-progress', action: 'upload', path, size, bytes: size },
    { type: 'transfer-end', action: 'upload', path, size, ok: true },
  ];
}

const listed: AgentEvent = { type: 'scan-listed', entries: 10 };
const scanned: AgentEvent = { type: 'batch', summary: batch({ cause: 'scan' }) };

/** Numbers after these events, one second apart, with the speed measured after each. */
function after(...events: readonly AgentEvent[]): ProgressNumbers {
  const numbers = new ProgressNumbers();
  events.forEach((event, second) => {
    numbers.note(event, second * 1000);
    numbers.sample(second * 1000);
  });
  return numbers;
}

describe('in words', () => {
  const line = (numbers: ProgressNumbers, columns = 120) => progressLines(numbers, columns, plain, false)[0];

  test('before anything is sent', () => {
    expect(line(after())).toBe('connecting …');
    expect(line(after({ type: 'scan-start', cause: 'start' }))).toBe('comparing both sides …');
    expect(
      line(after({ type: 'scan-progress', entries: 12_345, pending: 0 }, { type: 'scan-start', cause: '' })),
    ).toBe('comparing both sides …  12,345 entries');
  });

  test('while more may be found, no share and no time are guessed', () => {
    expect(line(after(found(['a', MiB], ['b', MiB]), ...sent('a', MiB)))).toBe(
      '↑  1 of 2+ files  1.0 MiB of 2.0 MiB+  341 KiB/s',
    );
  });

  test('when all is known', () => {
    const events = [found(['a', 8 * MiB], ['b', 8 * MiB]), listed, ...sent('a', 8 * MiB)];
    expect(line(after(...events))).toBe(
      '↑  ━━━━━━━━━━──────────   50 %  1 of 2 files  8.0 MiB of 16.0 MiB  2.0 MiB/s  4 s left',
    );
  });

  test('one file has its name, a large one among others too', () => {
    const begun: AgentEvent[] = [
      { type: 'transfer-start', action: 'upload', path: 'x/big\u001b.iso', size: 8 * MiB },
      { type: 'transfer-progress', action: 'upload', path: 'x/big\u001b.iso', size: 8 * MiB, bytes: 2 * MiB },
    ];
    expect(line(after(found(['x/big\u001b.iso', 8 * MiB]), listed, ...begun))).toMatch(
      /of 1 file .*big\\e\.iso$/,
    );
    expect(line(after(found(['x/big\u001b.iso', 8 * MiB], ['a', 1]), listed, ...begun))).toMatch(
      /big\\e\.iso 25 %$/,
    );
  });

  test('a narrow terminal gets what fits, the most important first', () => {
    const numbers = after(found(['a', 8 * MiB], ['b', 8 * MiB]), listed, ...sent('a', 8 * MiB));
    expect(line(numbers, 80)).toBe('↑   50 %  1 of 2 files  8.0 MiB of 16.0 MiB  2.0 MiB/s  4 s left');
    expect(line(numbers, 40)).toBe('↑   50 %  1 of 2 files');
    expect(line(numbers, 5)).toBe('↑');
    for (let columns = 1; columns < 150; columns++) {
      expect(line(numbers, columns)!.length).toBeLessThanOrEqual(Math.max(columns - 1, 1));
    }
  });

  test('the folders being worked on', () => {
    const files = ['src/a', 'src/b', 'docs/x/y', 'top'].map((path) => [path, 1024] as const);
    const numbers = after(found(...files), listed, ...sent('src/a', 1024), ...sent('docs/x/y', 1024));
    expect(progressLines(numbers, 120, plain, true).slice(1)).toEqual([
      '   ./    0 of 1 file  0 B',
      '   src/  1 of 2 files  1.0 KiB',
    ]);
  });

  test('without a connection', () => {
    const error = new TowlineError('network', 'gone');
    const numbers = after(found(['a', 1]), listed, {
      type: 'link',
      state: { name: 'waiting', attempt: 1, retryAtMs: 0, error },
    });
    expect(line(numbers)).toBe('waiting for the connection …  0 of 1 file');
    numbers.note({ type: 'link', state: { name: 'ready', epoch: 2 } }, 0);
    expect(line(numbers)).toContain('0 of 1 file');
  });
});

describe('in numbers', () => {
  test('a file that failed, or that was read twice, is not counted twice', () => {
    const numbers = after(
      found(['a', 100], ['b', 100]),
      { type: 'transfer-start', action: 'upload', path: 'a', size: 100 },
      { type: 'transfer-progress', action: 'upload', path: 'a', size: 100, bytes: 250 },
    );
    expect(numbers.sent).toEqual({ files: 0, bytes: 100 });
    numbers.note({ type: 'transfer-end', action: 'upload', path: 'a', size: 100, ok: false }, 0);
    expect(numbers.sent).toEqual({ files: 0, bytes: 0 });
    expect(numbers.failed).toBe(1);
    for (const event of [...sent('a', 100), ...sent('b', 100), ...sent('c', 100)]) numbers.note(event, 0);
    expect(numbers.sent).toEqual({ files: 3, bytes: 300 });
    // What was decided late was never announced.
    expect(numbers.found).toEqual({ files: 3, bytes: 300 });
  });

  test('a link that stands still has no speed and no end in sight', () => {
    const numbers = after(found(['a', MiB], ['b', MiB]), listed, ...sent('a', MiB));
    for (let second = 5; second < 15; second++) numbers.sample(second * 1000);
    expect(numbers.rate).toBe(0);
    expect(numbers.leftMs).toBeNull();
  });
});

interface Live {
  readonly screen: Screen;
  readonly progress: Progress;
  readonly tell: (event: AgentEvent) => void;
  readonly heard: AgentEvent[];
  /** Time passes, tick by tick. */
  readonly pass: (ms: number) => void;
  readonly ticking: () => boolean;
}

async function live(verbose = 0, columns = 100): Promise<Live> {
  const screen = new Screen(columns);
  let nowMs = 0;
  let callback: (() => void) | null = null;
  let stepMs = 1;
  const context = {
    stdout: screen,
    stderr: screen,
    env: { TERM: 'xterm' },
    now: () => new Date(nowMs),
  } as unknown as CliContext;
  const progress = await startProgress(context, { json: false, quiet: false, verbose }, (ms, tick) => {
    stepMs = ms;
    callback = tick;
    return () => {
      callback = null;
    };
  });
  const heard: AgentEvent[] = [];
  return {
    screen,
    progress,
    heard,
    tell: progress.listener((event) => heard.push(event)),
    pass: (ms) => {
      for (let passed = 0; passed < ms; passed += stepMs) {
        nowMs += stepMs;
        callback?.();
      }
    },
    ticking: () => callback !== null,
  };
}

describe('on a terminal', () => {
  test('one line that changes, until the first sync is done; then nothing of it is left', async () => {
    const { screen, tell, pass, heard, ticking } = await live();
    tell(found(['a', MiB], ['b', MiB]));
    tell(listed);
    pass(1_000);
    expect(screen.lines).toEqual([expect.stringContaining('0 of 2 files')]);
    for (const event of sent('a', MiB)) tell(event);
    pass(1_000);
    expect(screen.lines).toEqual([expect.stringContaining('1 of 2 files')]);
    tell(scanned);
    expect(screen.lines).toEqual([]);
    expect(ticking()).toBe(false);
    expect(heard).toHaveLength(6);
    // The cursor is never hidden, so nothing has to bring it back.
    expect(screen.text).not.toContain('?25l');
  });

  test('a quick run shows nothing', async () => {
    const { screen, tell, pass } = await live();
    tell(found(['a', MiB]));
    pass(200);
    tell(scanned);
    expect(screen.text).toBe('');
  });

  test('lines go above it', async () => {
    const { screen, progress, tell, pass } = await live();
    const lines = lineWriter(progress.context, { json: false, quiet: false, verbose: 0 }, false);
    tell(found(['a', MiB]));
    pass(1_000);
    lines.err('! a cannot be read');
    lines.out('something');
    pass(400);
    expect(screen.lines).toEqual([
      '! a cannot be read',
      'something',
      expect.stringContaining('0 of 1+ files'),
    ]);
    lines.out('more');
    progress.end();
    expect(screen.lines).toEqual(['! a cannot be read', 'something', 'more']);
  });

  test('it keeps away while a question stands there', async () => {
    const { screen, progress, tell, pass } = await live();
    tell(found(['a', MiB]));
    pass(1_000);
    const answered = Promise.withResolvers<string>();
    const ask = () => {
      screen.write('Password: ');
      return answered.promise;
    };
    const { prompts } = promptHooks({ ...progress.context, prompts: { secret: ask, answer: ask } }, progress);
    const secret = prompts?.secret('Password: ');
    pass(2_000);
    expect(screen.lines).toEqual(['Password:']);
    screen.write('\r\n');
    answered.resolve('x');
    expect(await secret).toBe('x');
    pass(1_000);
    expect(screen.lines).toEqual(['Password:', expect.stringContaining('0 of 1+ files')]);
    progress.end();
  });

  test('with -v there are folders, and no line per file until the end', async () => {
    const { screen, tell, pass, heard } = await live(1);
    tell(found(['x/a', MiB], ['y/b', MiB]));
    tell(listed);
    for (const event of sent('x/a', MiB)) tell(event);
    pass(1_000);
    expect(screen.lines).toHaveLength(2);
    expect(screen.lines[1]).toContain('y/  0 of 1 file');
    expect(heard.filter(({ type }) => type === 'transfer-end')).toHaveLength(0);
    tell(scanned);
    for (const event of sent('c', 1)) tell(event);
    expect(heard.filter(({ type }) => type === 'transfer-end')).toHaveLength(1);
  });

  test('with -vv every file has its line all the same', async () => {
    const { tell, heard } = await live(2);
    for (const event of sent('x/a', MiB)) tell(event);
    expect(heard.filter(({ type }) => type === 'transfer-end')).toHaveLength(1);
  });

  test('a window that changes its width leaves nothing behind', async () => {
    const { screen, progress, tell, pass } = await live(1, 120);
    tell(found(['x/a', MiB], ['y/b', MiB]));
    tell(listed);
    for (const event of sent('x/a', MiB)) tell(event);
    progress.context.stdout.write('before\n');
    pass(2_000);
    screen.resize(30);
    pass(1_000);
    expect(screen.lines).toEqual([
      'before',
      expect.stringContaining('1 of 2 files'),
      expect.stringContaining('y/'),
    ]);
    screen.resize(120);
    pass(1_000);
    expect(screen.lines).toHaveLength(3);
    screen.resize(20);
    progress.end();
    expect(screen.lines).toEqual(['before']);
  });
});

test.each([
  ['a pipe', { tty: false }, []],
  ['--json', { tty: true }, ['--json']],
  ['--quiet', { tty: true }, ['-q']],
  ['a dumb terminal', { tty: true, env: { TERM: 'dumb' } }, []],
])('nothing of it with %s', async (_, world, flags) => {
  const events = [found(['a', MiB]), listed, ...sent('a', MiB)];
  const ran = await run(['push', ...flags, '.', 'box:x'], { ...world, events });
  expect(ran.code).toBe(0);
  expect(ran.stdout + ran.stderr).not.toContain(String.fromCharCode(27));
});
