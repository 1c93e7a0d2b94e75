#!/usr/bin/env node
// Only the check of the Node version: an old Node must get past parsing this file to say what it needs, so the syntax
// stays plain and the rest is imported after the check (static imports would load, and fail, before it).
const wanted = [22, 22] as const;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < wanted[0] || (major === wanted[0] && minor < wanted[1])) {
  process.stderr.write(
    `towline needs Node ${wanted.join('.')} or newer; this is ${process.version} (${process.execPath})\n`,
  );
  process.exitCode = 2;
} else {
  void import('./start.js').then((cli) => cli.start());
}

export {};
