/**
 * What editors and desktops leave beside a file while it is open or being saved: made and removed within moments, of no
 * use on the other side. As .gitignore patterns; each one names its maker. Only names that nobody gives to a file of
 * their own are listed (`*.bak`, `*.tmp` and `.DS_Store` are not: people and programs keep those).
 */
export const droppings: readonly string[] = [
  // vim: swap files, and the probe whether a folder can be written to (it counts up when the name is taken: rare).
  '.*.sw[a-p]',
  '*.swp',
  '*.swo',
  '*.swx',
  '4913',
  // vim, emacs, nano, gedit, joe, kate: the version before the last save.
  '*~',
  // emacs: lock (a dangling symlink) and autosave.
  '.#*',
  '\\#*#',
  // nano: lock.
  '.*.swp',
  // JetBrains: safe write.
  '*___jb_tmp___',
  '*___jb_old___',
  // LibreOffice: lock; Microsoft Office: owner file.
  '.~lock.*#',
  '~$*.doc[xm]',
  '~$*.xls[xmb]',
  '~$*.ppt[xm]',
  // GLib (gedit and most of GNOME): the temp of an atomic save.
  '.goutputstream-*',
  // Kate and KWrite: swap; KDE: the temp of an atomic save is hidden behind the name of the file itself.
  '.*.kate-swp',
  // Sublime Text: atomic save.
  '.subl*.tmp',
  // NFS: a file that was removed while open.
  '.nfs[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*',
  // GNOME and KDE: a file being created by the file manager's FUSE mounts.
  '.fuse_hidden*',
];
