import { onTestFinished } from 'vitest';
import type { Storage } from '../../src/ports.js';
import type { ContractSide, MakeSide } from './side.js';

/** A side with an empty root that goes away with the test. */
export async function fresh<S extends Storage>(
  make: MakeSide<S>,
  root: 'present' | 'missing' | 'far' = 'present',
): Promise<ContractSide<S>> {
  const side = await make(root);
  onTestFinished(() => side.dispose());
  return side;
}
