/** A scan by one `find` gives what a scan by SFTP gives. */
import { execFileSync } from 'node:child_process';
import { chmodSync, lutimesSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { ScanRequest } from '../../src/ports.js';
import type { SftpSession, StreamSession } from '../../src/ssh/channel.js';
import { codeOf, scanAll } from '../contract/side.js';
import { eventually } from '../support/eventually.js';
import { freshFolder } from '../support/folder.js';
import { descendantsOf } from '../support/processes.js';
import {
  canDropPrivileges,
  changedSession,
  logIn,
  storageAt,
  storageWithShell,
  unprivilegedShell,
  type Login,
} from './sftp-side.js';

let login: Login;
beforeAll(async () => {
  login = await logIn();
});
afterAll(() => login.end());

interface FindFirst {
  readonly session: SftpSession;
  readonly commands: StreamSession;
  /** The directories that SFTP listed. */
  readonly listed: string[];
}

/** A server over which no directory is listed before find has told everything; `change` changes the script of find. */
function findFirst(connection: Login['connection'], change = (script: string) => script): FindFirst {
  const told = Promise.withResolvers<undefined>();
  const listed: string[] = [];
  return {
    listed,
    session: changedSession(connection, (channel) => ({
      openDirectory: async (path) => {
        await told.promise;
        listed.push(path);
        return channel.openDirectory(path);
      },
    })),
    commands: {
      label: connection.label,
      get epoch() {
        return connection.epoch;
      },
      stream: (script, options) => {
        if (!script.includes('-mindepth')) return connection.stream(script, options);
        const stream = connection.stream(change(script), options);
        // What was read is taken over a few turns later.
        const over = () => setImmediate(() => told.resolve(undefined));
        stream.ended.then(over, over);
        return stream;
      },
    },
  };
}

async function bothWays(
  from: Login,
  root: string,
  request: Partial<ScanRequest> = {},
  change?: (script: string) => string,
) {
  const { session, commands, listed } = findFirst(from.connection, change);
  const bySftp = await scanAll(storageAt(from.connection, root), request);
  const storage = storageWithShell(session, commands, root);
  const byFind = await scanAll(storage, request);
  return { bySftp, byFind, listed };
}

/** Makes what the fuzz asked for; `kind` chooses among all there is. */
function make(root: string, name: Buffer, kind: number): void {
  const path = Buffer.concat([Buffer.from(`${root}/`), name]);
  const times = [0, 1_600_000_000.999, -5.5, 5_000_000_000, 1_700_000_000];
  const time = times[kind % times.length]!;
  switch (kind % 7) {
    case 0:
      symlinkSync(Buffer.from(`to\n${String(kind)}\u00fc`), path);
      lutimesSync(path, time, time);
      break;
    case 1:
      mkdirSync(path);
      chmodSync(path, 0o1700 + (kind % 64));
      utimesSync(path, time, time);
      break;
    case 2:
      // Arguments cannot carry what is not UTF-8: the shell makes it.
      execFileSync('sh', ['-c', 'mkfifo "$(cat)"'], { input: path, stdio: ['pipe', 'ignore', 'ignore'] });
      break;
    default:
      // Not into a pipe of that name: nobody would read it.
      writeFileSync(path, 'x'.repeat(kind % 5000), { flag: 'wx' });
      chmodSync(path, kind & 0o6777);
      utimesSync(path, time, time);
  }
}

const piece = fc.oneof(
  fc.stringMatching(/^[-a-c.0 ]{1,3}$/).map((text) => Buffer.from(text)),
  fc
    .constantFrom(
      'new\nline',
      '\u00fc',
      '\u{1f600}',
      '.towline-a1-b2.tmp',
      '.towline-trash',
      '%s\\n',
      "'",
      '|',
    )
    .map((text) => Buffer.from(text)),
  fc.constantFrom(Buffer.from([0xff]), Buffer.from([0x61, 0xc3]), Buffer.from('\ufffd')),
);
const name = piece.filter((one) => !['.', '..'].includes(one.toString()));
const tree = fc.array(fc.tuple(fc.array(name, { minLength: 1, maxLength: 5 }), fc.nat(100_000)), {
  maxLength: 50,
});

test('fuzzed trees', async () => {
  await fc.assert(
    fc.asyncProperty(tree, async (paths) => {
      const root = freshFolder('find');
      for (const [parts, kind] of paths) {
        let at: Buffer = Buffer.alloc(0);
        for (const [index, part] of parts.entries()) {
          at = index === 0 ? part : Buffer.concat([at, Buffer.from('/'), part]);
          try {
            if (index < parts.length - 1) mkdirSync(Buffer.concat([Buffer.from(`${root}/`), at]));
            else make(root, at, kind);
          } catch {
            // Something is there already: the tree is what it is.
          }
        }
      }
      const excludes: ScanRequest['excludes'] = (path) => path.endsWith('0');
      const { bySftp, byFind, listed } = await bothWays(login, root, { excludes });
      expect(byFind).toEqual(bySftp);
      expect(listed).toEqual([root]);
    }),
    { numRuns: 20 },
  );
});

test('a large tree, begun by SFTP, is the same', async () => {
  const root = freshFolder('find');
  for (let d = 0; d < 300; d++) {
    mkdirSync(join(root, `d${String(d % 20)}/e${String(d)}`), { recursive: true });
    for (let i = 0; i < 20; i++)
      writeFileSync(join(root, `d${String(d % 20)}/e${String(d)}/${String(i)}`), 'x');
  }
  const storage = storageWithShell(login.connection, login.connection, root);
  const bySftp = await scanAll(storageAt(login.connection, root));
  for (let run = 0; run < 3; run++) expect(await scanAll(storage)).toEqual(bySftp);
  const { byFind, listed } = await bothWays(login, root);
  expect(byFind).toEqual(bySftp);
  expect(listed).toEqual([root]);
});

describe('a find that did not see everything is not believed', () => {
  const root = () => {
    const folder = freshFolder('find');
    for (const path of ['a/b/c', 'd/e', 'f']) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), 'x');
    }
    return folder;
  };

  test.each([
    ['complains and goes on', (script: string) => script.replace('find . ', 'find . ./none ')],
    ['is cut off', (script: string) => `( ${script} ) | head -c 150`],
    ['is killed', (script: string) => script.replace("' \\)", "' \\) && kill -9 $$; true")],
    ['talks nonsense', (script: string) => script.replaceAll('%T@', '').replaceAll(' %U %G', '')],
  ])('when it %s', async (_how, change) => {
    const { bySftp, byFind, listed } = await bothWays(login, root(), {}, change);
    expect(byFind).toEqual(bySftp);
    expect(byFind).toHaveLength(6);
    expect(listed).toHaveLength(4);
  });

  test('and is not tried again at once', async () => {
    const folder = root();
    const finds: string[] = [];
    const { session, commands } = findFirst(login.connection, (script) => {
      finds.push(script);
      return 'exit 1';
    });
    const storage = storageWithShell(session, commands, folder);
    await scanAll(storage);
    expect(await scanAll(storage)).toHaveLength(6);
    expect(finds).toHaveLength(1);
  });
});

describe.runIf(canDropPrivileges)('directories that may not be listed', () => {
  let user: Login;
  beforeAll(async () => {
    user = await logIn({ config: [`ForceCommand ${unprivilegedShell}`] });
  });
  afterAll(() => user.end());

  test.each([
    ['neither', 0o000],
    ['not entered', 0o444],
    ['not read', 0o111],
  ])('are failures, not empty (%s)', async (_how, mode) => {
    const root = freshFolder('find');
    for (const path of ['a/closed/x', 'a/closed/inner/y', 'a/open/z', 'b/closed/x']) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), 'x');
    }
    for (const path of ['a/closed', 'b/closed']) chmodSync(join(root, path), mode);
    const { bySftp, byFind, listed } = await bothWays(user, root);
    expect(byFind).toEqual(bySftp);
    expect(byFind.map((item) => [item.type, item.path])).toEqual([
      ['entry', 'a'],
      ['entry', 'a/closed'],
      ['failure', 'a/closed'],
      ['entry', 'a/open'],
      ['entry', 'a/open/z'],
      ['entry', 'b'],
      ['entry', 'b/closed'],
      ['failure', 'b/closed'],
    ]);
    expect(byFind[2]).toMatchObject({ error: { code: 'permission' } });
    expect([...listed].sort()).toEqual([root, join(root, 'a/closed'), join(root, 'b/closed')].sort());
  });
});

test('aborting a scan ends the find there', async () => {
  const root = freshFolder('find');
  mkdirSync(join(root, 'a'));
  const { session, commands } = findFirst(login.connection, (script) => `echo; exec sleep 1001; ${script}`);
  const storage = storageWithShell(session, commands, root);
  const sleeping = () => descendantsOf(process.pid).filter((one) => one.command.includes('sleep 1001'));
  const stop = new AbortController();
  const scanning = codeOf(scanAll(storage, { signal: stop.signal }));
  onTestFinished(() => stop.abort());
  await eventually(() => expect(sleeping()).not.toEqual([]));
  stop.abort();
  expect(await scanning).toBe('interrupted');
  await eventually(() => expect(sleeping()).toEqual([]));
});
