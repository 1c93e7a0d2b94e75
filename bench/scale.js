/** How much is measured. `full` is what the issue of the bench asks for; `quick` only shows that the harness works. */

const mebi = 2 ** 20;

const full = {
  name: 'full',
  /** Log-normal sizes, `smallBytes` in total. */
  smallFiles: 10_000,
  smallBytes: 68_000_000,
  manyFiles: 100_000,
  bigBytes: 1_024 * mebi,
  linkFiles: 1_000,
  /** One request at a time over a long link: the whole set would take minutes. */
  linkFilesOfSftp: 100,
  projectFiles: 1_000,
  saves: 60,
  /** Between two saves: somebody who saves often. */
  gapMs: 250,
  editedShare: 0.01,
  runs: { short: 5, long: 3 },
  reconcileEntries: 1_000_000,
  /** A command that takes longer is ended, and its row says so. */
  limitMs: 90_000,
  /** After that no further round or case is begun. */
  budgetMs: 17 * 60_000,
  installs: true,
  /** Rivals that take part only in the first case that they can. */
  once: [],
};

const quick = {
  ...full,
  name: 'quick',
  smallFiles: 200,
  smallBytes: 1_360_000,
  manyFiles: 400,
  bigBytes: 8 * mebi,
  linkFiles: 5,
  linkFilesOfSftp: 2,
  projectFiles: 40,
  saves: 2,
  gapMs: 20,
  editedShare: 0.05,
  runs: { short: 1, long: 1 },
  reconcileEntries: 20_000,
  limitMs: 30_000,
  installs: false,
  once: ['lftp mirror ×8'],
};

export const scales = { full, quick };
