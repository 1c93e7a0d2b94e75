import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import ssh2, { type AuthContext, type AuthenticationType, type Prompt } from 'ssh2';
import { freshKeyPair } from '../../src/ssh/server/keys.js';

/** One thing that the server wants, in this order. A step that it took is followed by the next one. */
export type Step =
  | {
      readonly method: 'password';
      readonly password: string;
      /** A new one is wanted. */ readonly expired?: boolean;
    }
  | { readonly method: 'publickey'; readonly key: Buffer }
  | {
      readonly method: 'keyboard-interactive';
      /** Each a message of its own; the answers that it wants to it. */
      readonly rounds: readonly {
        readonly questions: readonly Prompt[];
        readonly answers: readonly string[];
      }[];
      readonly title?: string;
    };

export interface AskingServer {
  readonly port: number;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string;
  /** The methods by which clients tried to log in, in order (a key that was only shown: `publickey?`). */
  readonly tries: readonly string[];
  readonly connections: number;
  dropConnections(): void;
  stop(): Promise<void>;
}

/** An SSH server that lets in who takes all steps, and gives no channels. */
export async function startAskingServer(steps: readonly Step[]): Promise<AskingServer> {
  const pair = freshKeyPair();
  const tries: string[] = [];
  const sockets = new Set<{ destroy(): void }>();
  let connections = 0;
  const listener = createServer((socket) => {
    sockets.add(socket);
    connections++;
    socket.on('close', () => sockets.delete(socket));
    const server = new ssh2.Server({ hostKeys: [pair.privateKey] }, (client) => {
      let at = 0;
      client.on('error', () => socket.destroy());
      client.on('authentication', (context) => {
        const step = steps[at]!;
        const taken = () => {
          at++;
          const next = steps[at];
          // Partial success: this step is done, and another one is wanted.
          if (next === undefined) context.accept();
          else context.reject([next.method], true);
        };
        void judge(context, step, tries).then((good) => {
          if (good === 'shown') context.accept();
          else if (good) taken();
          else context.reject([step.method] as AuthenticationType[], false);
        });
      });
      client.on('session', (_accept, reject) => reject());
    });
    server.injectSocket(socket);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    hostKey: pair.publicKey,
    tries,
    get connections() {
      return connections;
    },
    dropConnections: () => {
      for (const socket of sockets) socket.destroy();
    },
    stop: async () => {
      const closed = once(listener, 'close');
      listener.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function judge(context: AuthContext, step: Step, tries: string[]): Promise<boolean | 'shown'> {
  const shown = context.method === 'publickey' && context.signature === undefined;
  tries.push(shown ? 'publickey?' : context.method);
  if (context.method !== step.method) return false;
  if (context.method === 'password' && step.method === 'password' && step.expired === true) {
    return await new Promise<boolean>((resolve) =>
      context.requestChange('New password: ', () => resolve(false)),
    );
  }
  if (context.method === 'password' && step.method === 'password') return context.password === step.password;
  if (context.method === 'publickey' && step.method === 'publickey') {
    return context.key.data.equals(step.key) && (shown ? 'shown' : true);
  }
  if (context.method !== 'keyboard-interactive' || step.method !== 'keyboard-interactive') return false;
  for (const { questions, answers } of step.rounds) {
    const given = await new Promise<string[]>((resolve) =>
      context.prompt([...questions], step.title ?? '', '', resolve),
    );
    if (given.join('\0') !== answers.join('\0')) return false;
  }
  return true;
}
