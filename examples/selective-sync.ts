/**
 * Sends only what a site is made of: pages, styles and pictures up to 2 MiB; no drafts, and nothing else.
 *
 *   node examples/selective-sync.ts ./site dev@box:/srv/site
 */
import { type RuleOption, sync } from 'towline';

const [local, remote] = process.argv.slice(2);
if (local === undefined || remote === undefined) {
  console.error('usage: node selective-sync.ts LOCAL [USER@]HOST:PATH');
  process.exit(2);
}
const { SSH_CONFIG: sshConfig } = process.env;

const rule = (type: RuleOption['type'], pattern: string): RuleOption => ({
  type,
  pattern,
  source: 'selective-sync.ts', // what `towline explain` names
});

const { transferred, leftOut, problems } = await sync({
  local,
  remote,
  // Patterns as in .gitignore; of those that match, the last one decides.
  rules: [
    rule('exclude', '*'),
    ...['*/', '*.html', '*.css', '*.jpg'].map((pattern) => rule('include', pattern)),
    rule('exclude', 'drafts/'),
  ],
  maxSize: '2M',
  delete: true, // Of what is selected: what is left out is never deleted.
  ...(sshConfig && { sshConfig }),
});
console.log(`sent ${transferred}, too large ${leftOut}`);
process.exitCode = problems.length === 0 ? 0 : 1;
