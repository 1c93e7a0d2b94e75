import { expect, test } from 'vitest';
import { type Row, decides, decisionOf, worldOf } from './mode-words.js';
import { usual, without } from './mode-world.js';

const rows: Row[] = [
  ['nothing anywhere', '', '', '', 'none'],
  ['new file', '', '', 'file same', 'download'],
  ['new directory', '', '', 'directory same', 'make-directory here'],
  ['new link', '', '', 'symlink same', 'download'],
  ['new link, none here', '', '', 'symlink same', 'refuse', { can: without('symlinks', 'local') }],
  ['only here', '', 'file same', '', 'none, kept'],
  ['only here, mirrored', '', 'file same', '', 'delete-local', { delete: true }],
  ['deleted there', 'file', 'file same', '', 'forget, kept'],
  ['deleted there, mirrored', 'file', 'file same', '', 'delete-local', { delete: true }],
  ['deleted there, edited here, mirrored', 'file', 'file edited', '', 'delete-local', { delete: true }],
  ['deleted on both sides', 'file', '', '', 'forget'],
  ['deleted here', 'file', '', 'file same', 'download, drift'],
  ['known and unchanged', 'file', 'file same', 'file same', 'none'],
  ['no base, same size and second', '', 'file same', 'file same', 'adopt'],
  ['no base, other time', '', 'file same', 'file touched', 'download'],
  [
    'no base, other time, by size',
    '',
    'file same',
    'file touched',
    'set-metadata mtimeMs here',
    { compare: 'size' },
  ],
  ['no base, hidden difference', '', 'file same', 'file hidden', 'adopt'],
  [
    'no base, hidden difference, by checksum',
    '',
    'file same',
    'file hidden',
    'read remote and local, download',
    { compare: 'checksum' },
  ],
  ['touched there', 'downloaded', 'file whole', 'file touched', 'read remote, set-metadata mtimeMs here'],
  [
    'touched there, never read',
    'file',
    'file same',
    'file touched',
    'read remote and local, set-metadata mtimeMs here',
  ],
  ['edited there, same size', 'downloaded', 'file whole', 'file edited', 'read remote, download'],
  ['edited there, other size', 'file', 'file same', 'file resized', 'download'],
  [
    'edited unseen, afresh',
    'file',
    'file same',
    'file hidden',
    'read remote and local, download',
    { afresh: true },
  ],
  ['edited here', 'file', 'file edited', 'file same', 'download, drift'],
  ['edited on both sides', 'file', 'file resized', 'file edited', 'download, drift'],
  ['the same edit on both sides', 'file', 'file edited', 'file edited', 'adopt'],
  ['unchanged, forced', 'file', 'file same', 'file same', 'download', { force: true }],
  ['chmod there', 'file', 'file same', 'file chmod', 'set-metadata mode here'],
  ['chmod there, where no modes are', 'file', 'file same', 'file chmod', 'adopt', { can: without('modes') }],
  ['chmod here', 'file', 'file chmod', 'file same', 'set-metadata mode here'],
  ['same file here, other inode', 'file', 'file inode', 'file same', 'none'],
  ['directory, chmod there', 'directory', 'directory same', 'directory chmod', 'set-metadata mode here'],
  ['link leads elsewhere there', 'symlink', 'symlink same', 'symlink retargeted', 'download'],
  ['file became directory there', 'file', 'file same', 'directory same', 'make-directory here'],
  ['directory became file there', 'directory', 'directory same', 'file same', 'download'],
];

decides('pull', rows, { ...usual, mode: 'pull' });

const drifted: [
  title: string,
  base: string,
  local: string,
  remote: string,
  keep: string,
  backup: string,
  halt: string,
][] = [
  ['edited there', 'file', 'file same', 'file edited', 'none, kept, drift', 'set-aside there', 'halt'],
  [
    'edited on both sides',
    'file',
    'file resized',
    'file edited',
    'none, kept, drift',
    'set-aside there',
    'halt',
  ],
  ['the same edit on both sides', 'file', 'file edited', 'file edited', 'adopt', 'adopt', 'adopt'],
  ['deleted there', 'file', 'file same', '', 'none, kept, drift', 'upload, drift', 'halt'],
  [
    'folder deleted there',
    'directory',
    'directory same',
    '',
    'none, kept, drift',
    'make-directory there',
    'halt',
  ],
  ['deleted here, edited there', 'file', '', 'file edited', 'none, kept, drift', 'none, kept, drift', 'halt'],
  ['deleted here only', 'file', '', 'file same', 'delete-remote', 'delete-remote', 'delete-remote'],
  ['only there', '', '', 'file same', 'delete-remote', 'delete-remote', 'delete-remote'],
  [
    'file became link there',
    'file',
    'file same',
    'symlink same',
    'none, kept, drift',
    'set-aside there',
    'halt',
  ],
  [
    'chmod there',
    'file',
    'file same',
    'file chmod',
    'set-metadata mode',
    'set-metadata mode',
    'set-metadata mode',
  ],
];

test.each(drifted)('push with --delete, %s: keep, backup, halt', (_, base, local, remote, ...expected) => {
  const decided = (['keep', 'backup', 'halt'] as const).map((onDrift) =>
    decisionOf(worldOf(base, local, remote), { ...usual, delete: true, onDrift }),
  );
  expect(decided).toEqual(expected);
});
