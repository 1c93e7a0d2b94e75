import { describe, expect, test } from 'vitest';
import type { Verdict } from '../../src/core/action.js';
import { type Row, decides, decisionOf, settle, words, worldOf } from './mode-words.js';
import { directoryOf, fileOf, linkOf, resolve, thenMs, usual, without } from './mode-world.js';

const rows: Row[] = [
  ['nothing anywhere', '', '', '', 'none'],
  ['new file', '', 'file same', '', 'upload'],
  ['new directory', '', 'directory same', '', 'make-directory there'],
  ['new link', '', 'symlink same', '', 'upload'],
  ['new link, none over there', '', 'symlink same', '', 'refuse', { can: without('symlinks') }],
  ['only there', '', '', 'file same', 'none, kept'],
  ['only there, mirrored', '', '', 'file same', 'delete-remote', { delete: true }],
  ['deleted here', 'file', '', 'file same', 'forget, kept'],
  ['deleted here, mirrored', 'file', '', 'file same', 'delete-remote', { delete: true }],
  ['deleted here, edited there, mirrored', 'file', '', 'file edited', 'delete-remote', { delete: true }],
  ['deleted on both sides', 'file', '', '', 'forget'],
  ['deleted there', 'file', 'file same', '', 'upload, drift'],
  ['known and unchanged', 'file', 'file same', 'file same', 'none'],
  ['no base, same size and second', '', 'file same', 'file same', 'adopt'],
  ['no base, other time', '', 'file touched', 'file same', 'upload'],
  [
    'no base, other time, by size',
    '',
    'file touched',
    'file same',
    'set-metadata mtimeMs',
    { compare: 'size' },
  ],
  ['no base, hidden difference', '', 'file hidden', 'file same', 'adopt'],
  [
    'no base, hidden difference, by checksum',
    '',
    'file hidden',
    'file same',
    'read local and remote, upload',
    { compare: 'checksum' },
  ],
  ['no base, other size, by checksum', '', 'file resized', 'file same', 'upload', { compare: 'checksum' }],
  ['touched here', 'file', 'file touched', 'file same', 'read local, set-metadata mtimeMs'],
  ['touched, no times', 'file', 'file touched', 'file same', 'read local, adopt', { can: without('times') }],
  [
    'no base, no times, equal',
    '',
    'file touched',
    'file same',
    'read local and remote, adopt',
    { can: without('times') },
  ],
  [
    'no base, no times, same size and time by chance',
    '',
    'file hidden',
    'file same',
    'read local and remote, upload',
    { can: without('times') },
  ],
  [
    'changed there, no times',
    'file',
    'file same',
    'file touched',
    'read local and remote, adopt',
    { can: without('times') },
  ],
  ['edited here, same size', 'file', 'file edited', 'file same', 'read local, upload'],
  ['edited here, other size', 'file', 'file resized', 'file same', 'upload'],
  ['edited too quickly', 'racy', 'file hidden', 'file same', 'read local, upload'],
  ['not edited, but racy', 'racy', 'file same', 'file same', 'read local, adopt'],
  [
    'edited unseen, afresh',
    'file',
    'file hidden',
    'file same',
    'read local and remote, upload',
    { afresh: true },
  ],
  ['edited there', 'file', 'file same', 'file edited', 'upload, drift'],
  [
    'edited there, afresh',
    'file',
    'file same',
    'file edited',
    'read local and remote, upload, drift',
    { afresh: true },
  ],
  ['edited there, forced', 'file', 'file same', 'file edited', 'upload, drift', { force: true }],
  ['our upload the base never learned of', 'file', 'file edited', 'file edited', 'adopt'],
  ['unchanged, forced', 'file', 'file same', 'file same', 'upload', { force: true }],
  ['chmod here', 'file', 'file chmod', 'file same', 'set-metadata mode'],
  ['chmod here, no modes there', 'file', 'file chmod', 'file same', 'adopt', { can: without('modes') }],
  ['chmod there', 'file', 'file same', 'file chmod', 'set-metadata mode'],
  [
    'another --chmod than last time',
    'file',
    'file same',
    'file same',
    'set-metadata mode',
    { trustModes: false, modeRule: () => 0o600 },
  ],
  ['same file, other inode', 'file', 'file inode', 'file same', 'read local, adopt'],
  ['directory, names came and went', 'directory', 'directory touched', 'directory same', 'none'],
  ['directory, chmod', 'directory', 'directory chmod', 'directory same', 'set-metadata mode'],
  ['link, other time', '', 'symlink touched', 'symlink same', 'upload'],
  [
    'link, other time, no link times there',
    '',
    'symlink touched',
    'symlink same',
    'adopt',
    { can: without('symlinkTimes') },
  ],
  ['link leads elsewhere', 'symlink', 'symlink retargeted', 'symlink same', 'upload'],
  ['link leads elsewhere there', 'symlink', 'symlink same', 'symlink retargeted', 'upload, drift'],
  ['file became directory', 'file', 'directory same', 'file same', 'make-directory there'],
  ['directory became file', 'directory', 'file same', 'directory same', 'upload'],
  ['file became link', 'file', 'symlink same', 'file same', 'upload'],
];

decides('push', rows, usual);

describe('what the destination cannot keep', () => {
  const edgesMs = [
    -(2 ** 45),
    -1_500.5,
    -1,
    0,
    999.999,
    2 ** 31 * 1000,
    2 ** 32 * 1000 - 1,
    2 ** 32 * 1000 + 7,
    2 ** 45,
  ];

  test.each(edgesMs)('a time of %d ms is sent once', (mtimeMs) => {
    for (const compare of ['size', 'mtime+size', 'checksum'] as const) {
      const policy = { ...usual, compare };
      for (const local of [
        fileOf('one', { mtimeMs }),
        linkOf('there', { mtimeMs }),
        directoryOf({ mtimeMs }),
      ]) {
        const made = settle({ base: null, local, remote: null }, policy);
        expect(words(resolve(made, policy).verdict)).toBe('none');
        // The state is lost: what is over there is known by its own time.
        expect(words(resolve({ ...made, base: null }, policy).verdict)).toBe('adopt');
        const touched = { ...made, local: { ...local, entry: { ...local.entry, mtimeMs: thenMs } } };
        expect(words(resolve(settle(touched, policy), policy).verdict)).toBe('none');
      }
    }
  });

  test.each<[string, string, string]>([
    ['file', 'file touched', 'file same'],
    ['file', 'file chmod', 'file same'],
    ['directory', 'directory chmod', 'directory same'],
  ])('a server that makes of modes and times what it likes is asked once (%s, %s)', (base, local, remote) => {
    const world = worldOf(base, local, remote);
    const { verdict } = resolve(world, usual);
    expect(verdict.type).toBe('set-metadata');
    const source = (verdict as Extract<Verdict, { type: 'set-metadata' }>).source;
    const after = { ...world, base: { local: source, remote: world.remote!.entry, racy: false } };
    expect(decisionOf(after, usual)).toBe('none');
  });

  test('a racy base is looked into once', () => {
    const world = worldOf('racy', 'file same', 'file same');
    expect(decisionOf(settle(world, usual), usual)).toBe('none');
  });
});
