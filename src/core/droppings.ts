/**
 * What editors leave beside a file while it is open or being saved: gone within moments or useless on the other side.
 * As lines of .gitignore, each with its maker. Only names that nobody gives to a file of their own are listed (`*.bak`,
 * `*.tmp` and `.DS_Store` are not: people and programs keep those), and only files: a directory `4913` is somebody's.
 */
export const droppings: readonly string[] = [
  // vim: swap files (nano's locks have the same names).
  '*.swp',
  '*.swo',
  '*.swx',
  '.*.sw[a-p]',
  // vim: the file it makes to see whether it may write in a folder.
  '4913',
  // vim, emacs, gedit, joe, kate: the version before the last save.
  '*~',
  // emacs: lock (a dangling symlink) and autosave.
  '.#*',
  '\\#*#',
  // JetBrains: both halves of a safe write.
  '*___jb_tmp___',
  '*___jb_old___',
  // LibreOffice and Microsoft Office: who has the document open.
  '.~lock.*#',
  '~$*',
  // GLib (gedit and most of GNOME), Kate, Sublime Text: the temp of an atomic save, swap.
  '.goutputstream-*',
  '.*.kate-swp',
  '.subl*.tmp',
  '!*/',
];
