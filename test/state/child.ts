import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** Lets Node run our sources as they are: their imports name the `.js` that the compiler would write. */
const hook = `import { registerHooks } from 'node:module';
registerHooks({ resolve: (name, context, next) =>
  next(name.startsWith('.') && context.parentURL?.endsWith('.ts') ? name.replace(/\\.js$/, '.ts') : name, context) });`;

export interface Child {
  readonly process: ChildProcess;
  /** The next line it prints, or `null` when it has ended. */
  line(): Promise<string | null>;
  /** Resolves when it has ended and all its lines can be read. */
  readonly ended: Promise<unknown>;
}

/** Starts `children/<script>.ts` in a process of its own; its errors appear among ours. */
export function startChild(script: string, args: readonly string[], wrap: readonly string[] = []): Child {
  const file = fileURLToPath(new URL(`children/${script}.ts`, import.meta.url));
  const loader = `data:text/javascript,${encodeURIComponent(hook)}`;
  const [command, ...rest] = [...wrap, process.execPath, '--import', loader, file, ...args];
  const child = spawn(command!, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    line: async () => {
      const next = await lines.next();
      return next.done === true ? null : next.value;
    },
    ended: once(child, 'close'),
  };
}
