/** Runs a random history on a state for ever, printing a line for every step that was acknowledged. */
import { writeSync } from 'node:fs';
import { openState } from '../../../src/state/open.js';
import { applyToModel, applyToState, newModel, nextOperation, randomFrom } from '../operations.js';

const [folder, seed] = process.argv.slice(2);
const state = await openState({ folder: folder!, label: 'test' });
const random = randomFrom(Number(seed));
const model = newModel();
for (;;) {
  const operation = nextOperation(random, model);
  applyToModel(model, operation);
  await applyToState(state, operation);
  writeSync(1, 'done\n');
}
