/** What the compiler refuses: a mistake that it lets pass makes this file fail to compile. */
import { expect, expectTypeOf, test } from 'vitest';
import type {
  Agent,
  BatchSummary,
  ErrorCode,
  FileCarried,
  ListedEntry,
  Plan,
  plan,
  Problem,
  Session,
  SyncOptions,
  SyncResult,
  sync,
  TransferEvent,
} from '../../src/index.js';

test('options', () => {
  const wrong: SyncOptions[] = [
    // @ts-expect-error no such option
    { local: '.', remote: 'box:x', dleete: true },
    // @ts-expect-error a number is wanted
    { local: '.', remote: 'box:x', port: '22' },
    // @ts-expect-error no such mode
    { local: '.', remote: 'box:x', mode: 'mirror' },
    // @ts-expect-error nowhere to go
    { local: '.' },
  ];
  const right: SyncOptions[] = [
    { local: '.', remote: 'box:x', exclude: '*.log', include: ['a', 'b'], maxDelete: 5, bwlimit: 100 },
    { local: '.', remote: 'box:x', afterSync: { command: 'make' }, identityFiles: 'key', concurrency: 2 },
    { local: '.', remote: 'box:x', rules: [{ type: 'exclude', pattern: '*.o' }] },
  ];
  expect([wrong.length, right.length]).toEqual([4, 3]);
});

test('events', () => {
  const listen = (agent: Agent) => {
    agent.on('batch', (batch) => expectTypeOf(batch).toEqualTypeOf<BatchSummary>());
    agent.on('problem', (problem) => expectTypeOf(problem).toEqualTypeOf<Problem>());
    agent.on('transfer-progress', (step) => expectTypeOf(step).toEqualTypeOf<TransferEvent>());
    agent.on('transfer-progress', ({ leftMs }) => expectTypeOf(leftMs).toEqualTypeOf<number | null>());
    agent.on('holds', (holds) => expectTypeOf(holds).toEqualTypeOf<SyncResult['holds']>());
    expectTypeOf(agent.on('state', () => undefined)).toEqualTypeOf<() => void>();
    // @ts-expect-error no such event
    agent.on('finished', () => undefined);
    // @ts-expect-error no such field
    agent.on('transfer-end', ({ speed }) => expectTypeOf(speed));
  };
  expect(listen).toBeTypeOf('function');
});

test('results', () => {
  expectTypeOf<ReturnType<typeof sync>>().resolves.toEqualTypeOf<SyncResult>();
  expectTypeOf<Problem['code']>().toEqualTypeOf<ErrorCode>();
  expectTypeOf<ReturnType<typeof plan>>().resolves.toEqualTypeOf<Plan>();
  expectTypeOf<Session['hash']>().returns.resolves.toEqualTypeOf<Map<string, string>>();
  expectTypeOf<Session['list']>().returns.toEqualTypeOf<AsyncIterable<ListedEntry>>();
  expectTypeOf<Session['readFile']>().returns.resolves.toEqualTypeOf<FileCarried>();
});
