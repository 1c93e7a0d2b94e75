import { type Row, decides } from './mode-words.js';
import { usual, without } from './mode-world.js';

const pushed: Row[] = [
  ['new here', '', 'file same', '', 'upload'],
  ['new there', '', '', 'file same', 'download'],
  ['edited here', 'file', 'file resized', 'file same', 'upload'],
  ['edited there', 'file', 'file same', 'file resized', 'download'],
  ['deleted here', 'file', '', 'file same', 'none, kept'],
  ['deleted there', 'file', 'file same', '', 'none, kept'],
  ['deleted here, edited there', 'file', '', 'file edited', 'download'],
  ['deleted there, edited here', 'file', 'file edited', '', 'upload'],
  ['deleted on both sides', 'file', '', '', 'forget'],
  [
    'both edited, later here',
    'file',
    'file resized',
    'file hidden',
    'read remote, set-aside there',
    { afresh: true },
  ],
  ['no base, later here', '', 'file resized', 'file same', 'set-aside there'],
  ['no base, later there', '', 'file same', 'file resized', 'set-aside here'],
  [
    'no base, later there by a clock that is ahead',
    '',
    'file same',
    'file resized',
    'set-aside there',
    { remoteAheadMs: 10_000 },
  ],
  ['both edited in the same second', 'file', 'file resized', 'file other', 'read remote, set-aside here'],
  ['the same edit on both sides', 'file', 'file resized', 'file resized', 'read local and remote, adopt'],
  ['chmod there', 'file', 'file same', 'file chmod', 'set-metadata mode here'],
  [
    'a person decided once, in another mode',
    'file',
    'file resized',
    'file other',
    'read remote, set-aside here',
    { resolutionOf: () => 'local' },
  ],
];

decides('push-backup', pushed, { ...usual, mode: 'push-backup' });

const pulled: Row[] = [
  ['new here', '', 'file same', '', 'none, kept'],
  ['new there', '', '', 'file same', 'download'],
  ['new link there, none here', '', '', 'symlink same', 'refuse', { can: without('symlinks', 'local') }],
  ['edited here', 'file', 'file resized', 'file same', 'none, kept'],
  ['maybe edited here', 'file', 'file edited', 'file same', 'none, kept'],
  ['edited there', 'file', 'file same', 'file resized', 'download'],
  ['deleted here', 'file', '', 'file same', 'none, kept'],
  ['deleted there', 'file', 'file same', '', 'none, kept'],
  ['deleted here, edited there', 'file', '', 'file edited', 'download'],
  ['deleted there, edited here', 'file', 'file edited', '', 'none, kept'],
  ['both edited', 'file', 'file resized', 'file other', 'read remote, set-aside here'],
  ['no base, different', '', 'file resized', 'file same', 'set-aside here'],
  [
    'no base, same content, other time',
    '',
    'file touched',
    'file same',
    'read local and remote, set-metadata mtimeMs here',
  ],
  ['touched here', 'file', 'file touched', 'file same', 'none, kept'],
  ['chmod here', 'file', 'file chmod', 'file same', 'none'],
  ['chmod there', 'file', 'file same', 'file chmod', 'set-metadata mode here'],
  [
    'chmod there, another --chmod than last time',
    'file',
    'file same',
    'file chmod',
    'set-metadata mode here',
    { trustModes: false },
  ],
  ['file became directory here', 'file', 'directory same', 'file same', 'none, kept'],
  ['directory became file here', 'directory', 'file same', 'directory same', 'set-aside here'],
  ['file became directory there', 'file', 'file same', 'directory same', 'make-directory here'],
  ['file became directory there, edited here', 'file', 'file resized', 'directory same', 'set-aside here'],
  [
    'a person decided once, in another mode',
    'file',
    'file resized',
    'file other',
    'read remote, set-aside here',
    { resolutionOf: () => 'local' },
  ],
];

decides('pull-backup', pulled, { ...usual, mode: 'pull-backup' });
