import { expect, test } from 'vitest';
import { abortReason, unlessAborted, whenAborted } from '../../src/core/abort.js';
import { TowlineError } from '../../src/core/errors.js';
import { codeOf } from '../contract/side.js';

test('a listener is called at the abort, at once if it came before, and not when it was forgotten', () => {
  const controller = new AbortController();
  let calls = 0;
  const count = () => calls++;
  const forget = whenAborted(controller.signal, count);
  whenAborted(controller.signal, count);
  whenAborted(undefined, count);
  forget();
  controller.abort();
  expect(calls).toBe(1);
  whenAborted(controller.signal, count);
  expect(calls).toBe(2);
});

test("the reason is ours, or becomes 'interrupted' with it as the cause", () => {
  const error = new TowlineError('network', 'gone');
  expect(abortReason(AbortSignal.abort(error))).toBe(error);
  expect(abortReason(AbortSignal.abort('enough'))).toMatchObject({ code: 'interrupted', cause: 'enough' });
});

test('a wait is given up, whatever the work does', async () => {
  const controller = new AbortController();
  const never = unlessAborted(new Promise<never>(() => undefined), controller.signal);
  controller.abort();
  expect(await codeOf(never)).toBe('interrupted');
  expect(await codeOf(unlessAborted(Promise.resolve(1), controller.signal))).toBe('interrupted');
  expect(await unlessAborted(Promise.resolve(1), undefined)).toBe(1);
  expect(await unlessAborted(Promise.resolve(1), new AbortController().signal)).toBe(1);
});
