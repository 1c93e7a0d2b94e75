// `npm start` shows the demo; `npm start -- LOCAL USER@HOST:PATH [options]` watches a real pair.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
process.argv.splice(2, 0, '--build');
const given = process.argv.splice(3);
await import('./setup.mjs');

const child = spawn(
  join(root, 'node_modules', '.bin', 'node'),
  [join(root, 'dist', 'cli', 'main.js'), ...(given.length > 0 ? ['watch', ...given] : ['demo'])],
  { stdio: 'inherit', cwd: process.env.INIT_CWD ?? process.cwd() },
);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
