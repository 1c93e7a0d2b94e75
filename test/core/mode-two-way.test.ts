import { describe, expect, test } from 'vitest';
import { type Verdict, writtenSide } from '../../src/core/action.js';
import type { BasePair, Entry, Triple } from '../../src/core/entry.js';
import { decide } from '../../src/core/mode.js';
import { isChange } from './mode-situations.js';
import { type Row, decides, words, worldOf } from './mode-words.js';
import { directoryOf, fileOf, hashOf, linkOf, resolve, thenMs, usual, without } from './mode-world.js';

const twoWay = { ...usual, mode: 'two-way', delete: true } as const;

const rows: Row[] = [
  ['nothing anywhere', '', '', '', 'none'],
  ['new here', '', 'file same', '', 'upload'],
  ['new there', '', '', 'file same', 'download'],
  ['new directory here', '', 'directory same', '', 'make-directory there'],
  ['new directory there', '', '', 'directory same', 'make-directory here'],
  ['new link there', '', '', 'symlink same', 'download'],
  ['new link here, none there', '', 'symlink same', '', 'refuse', { can: without('symlinks') }],
  ['known and unchanged', 'file', 'file same', 'file same', 'none'],
  ['edited here', 'file', 'file edited', 'file same', 'read local, upload'],
  ['edited here, other size', 'file', 'file resized', 'file same', 'upload'],
  ['edited there', 'file', 'file same', 'file edited', 'read remote, download'],
  ['edited there, other size', 'file', 'file same', 'file resized', 'download'],
  ['deleted here', 'file', '', 'file same', 'delete-remote'],
  ['deleted there', 'file', 'file same', '', 'delete-local'],
  ['deleted here, deletions off', 'file', '', 'file same', 'none, kept', { delete: false }],
  ['deleted there, deletions off', 'file', 'file same', '', 'none, kept', { delete: false }],
  ['deleted on both sides', 'file', '', '', 'forget'],
  ['deleted here, edited there', 'file', '', 'file edited', 'download'],
  ['deleted there, edited here', 'file', 'file edited', '', 'upload'],
  ['deleted here, touched there', 'file', '', 'file touched', 'download'],
  ['deleted here, a directory there now', 'file', '', 'directory same', 'make-directory here'],
  ['folder deleted here', 'directory', '', 'directory same', 'delete-remote'],
  ['the same edit on both sides', 'file', 'file edited', 'file edited', 'read local and remote, adopt'],
  [
    'the same size-changing edit on both sides',
    'file',
    'file resized',
    'file resized',
    'read local and remote, adopt',
  ],
  ['both replaced it by a directory', 'file', 'directory same', 'directory same', 'adopt'],
  ['both replaced it by the same link', 'file', 'symlink same', 'symlink same', 'adopt'],
  ['touched here', 'file', 'file touched', 'file same', 'read local, set-metadata mtimeMs'],
  ['touched there', 'file', 'file same', 'file touched', 'read remote, set-metadata mtimeMs here'],
  ['touched on both sides', 'file', 'file touched', 'file touched', 'read local and remote, adopt'],
  [
    'touched here, no times there',
    'file',
    'file touched',
    'file same',
    'read local, adopt',
    { can: without('times') },
  ],
  [
    'touched here, never read',
    'unhashed',
    'file touched',
    'file same',
    'read local and remote, set-metadata mtimeMs',
  ],
  [
    'touched there, never read',
    'unhashed',
    'file same',
    'file touched',
    'read local and remote, set-metadata mtimeMs here',
  ],
  ['edited here, never read', 'unhashed', 'file edited', 'file same', 'read local and remote, upload'],
  ['edited here, touched there', 'file', 'file resized', 'file touched', 'read remote, upload'],
  ['touched here, edited there', 'file', 'file touched', 'file resized', 'read local, download'],
  ['chmod here', 'file', 'file chmod', 'file same', 'set-metadata mode'],
  ['chmod there', 'file', 'file same', 'file chmod', 'set-metadata mode here'],
  ['the same chmod on both sides', 'file', 'file chmod', 'file chmod', 'adopt'],
  ['chmod there, where no modes are', 'file', 'file same', 'file chmod', 'adopt', { can: without('modes') }],
  ['chmod here, no modes there', 'file', 'file chmod', 'file same', 'adopt', { can: without('modes') }],
  ['directory, chmod there', 'directory', 'directory same', 'directory chmod', 'set-metadata mode here'],
  ['directory, names came and went', 'directory', 'directory touched', 'directory same', 'none'],
  ['link leads elsewhere here', 'symlink', 'symlink retargeted', 'symlink same', 'upload'],
  ['link leads elsewhere there', 'symlink', 'symlink same', 'symlink retargeted', 'download'],
  ['link touched', 'symlink', 'symlink touched', 'symlink same', 'adopt'],
  ['file became directory here', 'file', 'directory same', 'file same', 'make-directory there'],
  ['directory became file there', 'directory', 'directory same', 'file same', 'download'],
  ['edited too quickly', 'racy', 'file hidden', 'file same', 'read local, upload'],
  ['not edited, but racy', 'racy', 'file same', 'file same', 'read local, adopt'],
  ['same file, other inode', 'file', 'file inode', 'file same', 'read local, adopt'],
  [
    'edited unseen there, afresh',
    'file',
    'file same',
    'file hidden',
    'read local and remote, download',
    { afresh: true },
  ],
  ['edited here, never read, afresh', 'unhashed', 'file resized', 'file same', 'upload', { afresh: true }],
  [
    'different and never read, afresh',
    'unhashed',
    'file same',
    'file hidden',
    'read local and remote, set-aside here',
    { afresh: true },
  ],
  ['racy and never read', 'racy', 'file whole', 'file same', 'read local, adopt'],
];

decides('two-way', rows, twoWay);

const meetings: Row[] = [
  ['same size and second', '', 'file same', 'file same', 'adopt'],
  ['hidden difference', '', 'file same', 'file hidden', 'adopt'],
  [
    'hidden difference, by checksum',
    '',
    'file same',
    'file hidden',
    'read local and remote, set-aside here',
    { compare: 'checksum' },
  ],
  [
    'same content, other time',
    '',
    'file touched',
    'file same',
    'read local and remote, set-metadata mtimeMs',
  ],
  [
    'same content, other time, no times there',
    '',
    'file touched',
    'file same',
    'read local and remote, adopt',
    { can: without('times') },
  ],
  ['other content', '', 'file edited', 'file same', 'read local and remote, set-aside here'],
  ['other size', '', 'file resized', 'file same', 'set-aside here'],
  ['two directories', '', 'directory same', 'directory same', 'adopt'],
  ['two directories of different modes', '', 'directory same', 'directory chmod', 'set-metadata mode'],
  ['the same link', '', 'symlink same', 'symlink touched', 'adopt'],
  ['two links', '', 'symlink same', 'symlink retargeted', 'set-aside here'],
  ['a file and a directory', '', 'file same', 'directory same', 'set-aside here'],
];

decides('two-way, first meeting', meetings, twoWay);

describe('two-way, both changed', () => {
  const conflicts: [policy: Row[5], files: string, fileAndFolder: string, folderAndFile: string][] = [
    [{ conflict: 'keep-both' }, 'set-aside here', 'set-aside here', 'set-aside here'],
    [{ conflict: 'local' }, 'upload, conflict', 'upload, conflict', 'make-directory there'],
    [{ conflict: 'remote' }, 'download, conflict', 'make-directory here', 'download, conflict'],
    [{ conflict: 'manual' }, 'conflict', 'conflict', 'conflict'],
    [
      { conflict: 'manual', resolutionOf: () => 'local' },
      'upload, conflict',
      'upload, conflict',
      'make-directory there',
    ],
    [
      { conflict: 'manual', resolutionOf: () => 'remote' },
      'download, conflict',
      'make-directory here',
      'download, conflict',
    ],
    [{ conflict: 'local', resolutionOf: () => 'both' }, 'set-aside here', 'set-aside here', 'set-aside here'],
  ];
  test.each(conflicts)('%j', (policy, ...expected) => {
    const worlds = [
      worldOf('file', 'file resized', 'file other'),
      worldOf('symlink', 'file same', 'directory same'),
      worldOf('symlink', 'directory same', 'file same'),
    ];
    expect(worlds.map((world) => words(resolve(world, { ...twoWay, ...policy }).verdict))).toEqual(expected);
  });

  test.each([
    ['later here', thenMs + 9_000, thenMs + 5_000, 0, 'upload, conflict'],
    ['later there', thenMs + 5_000, thenMs + 9_000, 0, 'download, conflict'],
    ['within one second of each other', thenMs + 5_000.9, thenMs + 6_000, 0, 'download, conflict'],
    ['in the same second', thenMs + 5_999.9, thenMs + 5_000, 0, 'set-aside here'],
    ['later there by a clock that is ahead', thenMs + 5_000, thenMs + 9_000, 10_000, 'upload, conflict'],
    [
      'earlier there by a clock that is behind',
      thenMs + 9_000,
      thenMs + 5_000,
      -10_000,
      'download, conflict',
    ],
  ])('newest: %s', (_, localMs, remoteMs, remoteAheadMs, expected) => {
    const world = {
      ...worldOf('file', '', ''),
      local: fileOf('mine', { mtimeMs: localMs }),
      remote: fileOf('theirs', { mtimeMs: remoteMs }),
    };
    const policy = { ...twoWay, conflict: 'newest', remoteAheadMs } as const;
    expect(words(resolve(world, policy).verdict)).toBe(expected);
  });
});

describe('two-way does for one side what it does for the other', () => {
  const later = { mtimeMs: thenMs + 5_000 };
  const variants: (Entry | null)[] = [
    null,
    ...[
      fileOf('one'),
      fileOf('one', later),
      fileOf('two', later),
      fileOf('three', later),
      fileOf('one', { mode: 0o600 }),
      directoryOf(),
      directoryOf({ mode: 0o700 }),
      linkOf('there'),
      linkOf('elsewhere', later),
    ].map(hashOf),
  ];
  const bases: (BasePair | null)[] = [
    null,
    ...[fileOf('one'), directoryOf(), linkOf('there')].map((there) => {
      const entry = hashOf(there);
      return { local: entry, remote: entry, racy: false };
    }),
  ];

  /** The sides change places. */
  const mirrored = ({ path, base, local, remote }: Triple): Triple => ({
    path,
    base: base && { local: base.remote, remote: base.local, racy: base.racy },
    local: remote,
    remote: local,
  });

  /** What is done, in words that know no side. */
  const told = (verdict: Verdict, to: 'local' | 'remote'): string => {
    if (!isChange(verdict)) return words(verdict);
    const where = writtenSide(verdict) === to ? 'to' : 'from';
    return `${words(verdict)
      .replace(/upload|download/, 'send')
      .replace(/-local|-remote/, '')
      .replace(/ here| there/, '')} ${where}`;
  };

  test.each(['keep-both', 'newest', 'local', 'remote', 'manual'] as const)('--conflict %s', (conflict) => {
    const against = { local: 'remote', remote: 'local' } as const;
    const other = conflict === 'local' || conflict === 'remote' ? against[conflict] : conflict;
    let compared = 0;
    for (const base of bases) {
      for (const local of variants) {
        for (const remote of variants) {
          const triple = { path: 'a', base, local, remote };
          const one = decide(triple, { ...twoWay, conflict });
          const two = decide(mirrored(triple), { ...twoWay, conflict: other });
          // The server's version keeps the name, and of two modes ours counts.
          if (one.type === 'set-aside' && two.type === 'set-aside') continue;
          if (
            one.type === 'set-metadata' &&
            local?.mode !== base?.local.mode &&
            remote?.mode !== base?.remote.mode
          )
            continue;
          expect(told(two, 'local'), JSON.stringify(triple)).toBe(told(one, 'remote'));
          compared++;
        }
      }
    }
    expect(compared).toBeGreaterThan(200);
  });
});
