/** Runs a command and says what it cost; runs several by turns and takes medians. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** GNU time: its numbers include the children that a command waited for, such as the ssh of an rsync. */
const gnuTime = '/usr/bin/time';
const shownBytes = 600;

/**
 * Runs a command to its end.
 * @returns wall time, processor time (user and system) in seconds, peak memory of the largest process in MB, stdout
 * @throws Error when it fails or takes longer than `limitMs`
 */
export async function run({ children, folder, limitMs }, { file, args, env }) {
  const report = join(folder, 'time.txt');
  const timed = existsSync(gnuTime);
  const [first, ...rest] = timed ? [gnuTime, '-f', '%U %S %M', '-o', report, file, ...args] : [file, ...args];
  const startedMs = performance.now();
  const child = children.start(first, rest, { env: { ...process.env, ...env } });
  const output = collect(child);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    void children.end(child, 'SIGKILL');
  }, limitMs);
  const [code] = await once(child, 'exit');
  const wallSeconds = (performance.now() - startedMs) / 1_000;
  clearTimeout(timer);
  const { stdout, stderr } = await output;
  if (late) throw new Error(`it was ended after ${limitMs / 1_000} s`);
  if (code !== 0)
    throw new Error(`it ended with ${code}: ${`${stdout}\n${stderr}`.trim().slice(-shownBytes)}`);
  return { wallSeconds, stdout, ...(timed ? costOf(report) : { cpuSeconds: null, rssMb: null }) };
}

async function collect(child) {
  const texts = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'])
    child[name].setEncoding('utf8').on('data', (text) => (texts[name] += text));
  await once(child, 'close');
  return texts;
}

function costOf(report) {
  const [user, system, kibibytes] = readFileSync(report, 'utf8').trim().split(' ').map(Number);
  return { cpuSeconds: user + system, rssMb: kibibytes / 1_024 };
}

/** The value below which a share of the numbers lies. */
export function quantile(numbers, share) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low);
}

function medianOf(measured, field) {
  const numbers = measured.map((one) => one[field]);
  return numbers.includes(null) ? null : quantile(numbers, 0.5);
}

function rowOf(contestant, measured, failure) {
  const { name, work, rival } = contestant;
  const head = { tool: name, work, rival };
  if (failure !== null) return { ...head, runs: 0, failure };
  return {
    ...head,
    runs: measured.length,
    failure: null,
    wallSeconds: medianOf(measured, 'wallSeconds'),
    minSeconds: Math.min(...measured.map(({ wallSeconds }) => wallSeconds)),
    maxSeconds: Math.max(...measured.map(({ wallSeconds }) => wallSeconds)),
    cpuSeconds: contestant.cpuKnown ? medianOf(measured, 'cpuSeconds') : null,
    rssMb: medianOf(measured, 'rssMb'),
  };
}

/**
 * Measures contestants by turns: A B C, B C A, … A contestant is
 * `{ name, runs, rival, work, cpuKnown, prepare(round), command(round), check(round, stdout) }`; `command` is measured.
 * What fails once is not run again, and its row says why. When the bench is late, no further round is begun.
 * @param betweenRounds done before each round, unmeasured
 */
export async function compare(bench, contestants, betweenRounds = () => undefined) {
  const results = new Map(contestants.map((one) => [one, { measured: [], failure: null }]));
  const rounds = Math.max(...contestants.map(({ runs }) => runs));
  for (let round = 0; round < rounds && (round === 0 || !bench.isLate()); round++) {
    await betweenRounds(round);
    for (let turn = 0; turn < contestants.length; turn++) {
      const contestant = contestants[(turn + round) % contestants.length];
      const result = results.get(contestant);
      if (round >= contestant.runs || result.failure !== null) continue;
      try {
        await contestant.prepare(round);
        const measured = await run(bench, contestant.command(round));
        await contestant.check(round, measured.stdout);
        result.measured.push(measured);
        bench.say(`    ${contestant.name}: ${measured.wallSeconds.toFixed(2)} s`);
      } catch (error) {
        result.failure = bench.anonymous(error.message);
        bench.say(`    ${contestant.name} FAILED: ${result.failure}`);
      }
    }
  }
  return contestants.map((one) => rowOf(one, results.get(one).measured, results.get(one).failure));
}
