import { asTowlineError } from '../core/errors.js';
import { type ControlServer, type ControlServerOptions, serveControl } from './control-server.js';

/**
 * Opens the control socket, if it can: an agent that nobody can ask does its work all the same, and one whose socket
 * cannot be removed ends all the same. Both are logged.
 */
export async function openControl(options: ControlServerOptions): Promise<ControlServer> {
  const warn = (what: string) => (error: unknown) => {
    options.log.warn(what, { error: asTowlineError(error).message });
  };
  try {
    const server = await serveControl(options);
    return { close: () => server.close().catch(warn('the control socket could not be removed')) };
  } catch (error) {
    warn('the agent cannot be asked anything')(error);
    return { close: () => Promise.resolve() };
  }
}
