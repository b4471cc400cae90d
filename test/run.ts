// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { run as runTests } from 'node:test';
import { systemClock } from '../src/core/clock/clock.ts';
import { coverageDirectory, judgeCoverage } from './coverage.ts';
import { Display, duration } from './display.ts';
import { needsMachine, quickFiles, testFiles } from './files.ts';
import { count, fileLine, follow, sum, type Tally } from './reporter.ts';
import { longestFirst, noteTime, type Part, readTimes, secondsLeft, TIMES_FILE } from './times.ts';

/**
 * Runs all tests, or those of the files named, or with --quick those that need no gateway and no machine; each file in a
 * process of its own: first what needs no virtual machine, two files at a time; then, one file at a time, what does.
 */
const words = process.argv.slice(2);
const quick = words[0] === '--quick';
const named = (quick ? words.slice(1) : words).map((file) => relative('.', resolve(file)));
const absent = named.filter((file) => !existsSync(file));
if (absent.length > 0) {
  process.stderr.write(`There is no file ${absent.join(' and no file ')}. './lethe test --help' tells more.\n`);
  process.exit(2);
}
const candidates = named.length > 0 ? named : testFiles();
const files = quick ? candidates.filter((file) => quickFiles(testFiles()).includes(file)) : candidates;
/** Coverage is judged over everything alone. */
const coverage = named.length === 0 && !quick ? coverageDirectory() : undefined;

interface Phase {
  readonly title: string;
  /** In the order in which they begin. */
  readonly files: readonly string[];
  readonly waiting: string[];
  /** When each began, by the clock's elapsed time. */
  readonly running: Map<string, number>;
  readonly tallies: Tally[];
  readonly concurrency: number;
  /** Limit of one test. An emulated machine on a busy host is slow. */
  readonly minutes: number;
}

const times = readTimes(TIMES_FILE);
const display = new Display(
  { write: (text) => void process.stdout.write(text), interactive: process.stdout.isTTY },
  systemClock,
  () => process.stdout.getWindowSize()[0],
);

function phase(title: string, chosen: readonly string[], concurrency: number, minutes: number): Phase {
  const ordered = longestFirst(chosen, times);
  return { title, files: ordered, waiting: [...ordered], running: new Map(), tallies: [], concurrency, minutes };
}

const phases = [
  phase(
    '',
    files.filter((file) => !needsMachine(file)),
    2,
    20,
  ),
  phase('in virtual machines', files.filter(needsMachine), 1, 90),
].filter((one) => one.files.length > 0);

const secondsSince = (start: number) => (systemClock.elapsed() - start) / 1000;

function runningOf(one: Phase): { file: string; seconds: number }[] {
  return [...one.running].map(([file, start]) => ({ file, seconds: secondsSince(start) }));
}

function left(): number | undefined {
  const parts: Part[] = phases.map((one) => ({ ...one, running: runningOf(one) }));
  return secondsLeft(parts, times);
}

function show(): void {
  display.show({
    done:
      phases.reduce((done, one) => done + one.tallies.length, 0) - phases.reduce((n, one) => n + one.running.size, 0),
    total: files.length,
    failed: sum(phases.flatMap((one) => one.tallies)).failed,
    running: phases.flatMap(runningOf),
    left: left(),
  });
}

async function runFile(one: Phase, file: string): Promise<void> {
  const tally: Tally = { passed: 0, failed: 0, milliseconds: 0 };
  const start = systemClock.elapsed();
  one.tallies.push(tally);
  one.running.set(file, start);
  const env = coverage === undefined ? process.env : { ...process.env, NODE_V8_COVERAGE: coverage };
  const events = runTests({ files: [resolve(file)], timeout: one.minutes * 60_000, env });
  await follow(events, tally, (text) => display.print(text));
  one.running.delete(file);
  const seconds = secondsSince(start);
  display.print(fileLine(file, tally, seconds));
  if (tally.failed === 0) noteTime(TIMES_FILE, file, seconds);
}

/** Takes file after file until none is left. */
async function lane(one: Phase): Promise<void> {
  for (let file = one.waiting.shift(); file !== undefined; file = one.waiting.shift()) await runFile(one, file);
}

async function runPhase(one: Phase): Promise<void> {
  await Promise.all(Array.from({ length: one.concurrency }, () => lane(one)));
  const total = sum(one.tallies);
  const rest = one.title === '' ? '' : ` ${one.title}, ${(total.milliseconds / 1000).toFixed(0)} s`;
  display.print(`\n${count(total)}${rest}\n`);
}

function opening(): string {
  const estimate = left();
  const time =
    estimate === undefined
      ? `no time left can be told, as ${TIMES_FILE} has none of an earlier run`
      : `about ${duration(estimate)} by the last times in ${TIMES_FILE}`;
  return `${files.length} ${files.length === 1 ? 'file' : 'files'} of tests, ${time}\n`;
}

display.print(opening());
const timer = setInterval(show, 1000);
for (const one of phases) await runPhase(one);
clearInterval(timer);
const total = sum(phases.flatMap((one) => one.tallies));
if (coverage !== undefined) {
  const reached = await judgeCoverage(coverage, (text) => display.print(text));
  total[reached ? 'passed' : 'failed'] += 1;
}
// Somebody reads this line alone.
if (coverage !== undefined || phases.length !== 1 || phases[0]?.title !== '') display.print(`\n${count(total)}\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
