import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { PromptsOfFirstRun, terminalPrompts } from '../../src/cli/prompt.js';
import { scriptPrompts } from '../support/script-prompts.js';

function terminal() {
  const input = new PassThrough();
  let text = '';
  const output = {
    isTTY: true,
    columns: () => 80,
    write: (piece: string) => {
      text += piece;
      return true;
    },
  };
  return { input, prompts: terminalPrompts(input, output), shown: () => text };
}

test('a secret is read with the editing keys, and never shown', async () => {
  const { input, prompts, shown } = terminal();
  const secret = prompts.secret('First line\nPassword: ');
  input.write('pläntedx\u007f');
  input.write('\r');
  expect(await secret).toBe('plänted');
  expect(shown()).toBe('First line\nPassword: \n');
});

test('an answer is shown as it is typed', async () => {
  const { input, prompts, shown } = terminal();
  const answer = prompts.answer('Above\nYes or no? ');
  input.write('yes\r');
  expect(await answer).toBe('yes');
  expect(shown()).toMatch(/^Above\n[^]*Yes or no\? [^]*y[^]*e[^]*s/);
});

test('an answer that was shown leaves nothing behind that shows the secret after it', async () => {
  const { input, prompts, shown } = terminal();
  const answer = prompts.answer('Yes or no? ');
  input.write('yes\r');
  await answer;
  const secret = prompts.secret('Password: ');
  input.write('plantedx\u007f\r');
  expect(await secret).toBe('planted');
  expect(shown()).not.toContain('planted');
});

test('one question at a time', async () => {
  const { input, prompts, shown } = terminal();
  const [first, second] = [prompts.secret('First: '), prompts.secret('Second: ')];
  input.write('1\r');
  expect(await first).toBe('1');
  expect(shown()).not.toContain('Second');
  input.write('2\r');
  expect(await second).toBe('2');
});

test.each([
  ['Ctrl-C', '\u0003'],
  ['Ctrl-D', '\u0004'],
])('%s gives up, and the next question can be asked', async (_, key) => {
  const { input, prompts } = terminal();
  const secret = prompts.secret('Password: ');
  input.write(key);
  await expect(secret).rejects.toMatchObject({ code: 'interrupted' });
  const again = prompts.secret('Password: ');
  input.write('x\r');
  expect(await again).toBe('x');
});

test('runs after the first one are given its last secrets, each once, and no other answers', async () => {
  const person = scriptPrompts('wrong', 'right', 'yes');
  const prompts = new PromptsOfFirstRun(person);
  await prompts.secret('Password: ');
  await prompts.secret('Permission denied, please try again.\nPassword: ');
  await prompts.answer('Accept? ');
  for (let run = 2; run < 4; run++) {
    prompts.next();
    expect(await prompts.secret('Password: ')).toBe('right');
    for (const again of [prompts.secret('Password: '), prompts.secret('PIN: '), prompts.answer('Accept? ')]) {
      await expect(again).rejects.toMatchObject({ code: 'authentication' });
    }
  }
  expect(person.asked).toHaveLength(3);
});
