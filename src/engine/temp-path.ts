import { join, parentOf } from '../core/path.js';
import { tempName } from '../core/tempname.js';
import type { Clock } from '../ports.js';
import { randomText } from './random-text.js';

/** A path beside `path` for a temp of this agent, never used before. */
export function newTempPath(path: string, agentId: string, clock: Clock): string {
  return join(parentOf(path) ?? '', tempName(agentId, randomText(clock)));
}
