// SPDX-License-Identifier: AGPL-3.0-or-later
import { statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { run as runTests } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../src/core/clock/clock.ts';
import { coverageDirectory, judgeCoverage } from './coverage.ts';
import { IdleMeter } from './cpu.ts';
import { Display, duration } from './display.ts';
import { needsMachine, needsRoot, quickFiles, testFiles } from './files.ts';
import { inLanes, type Lanes } from './lanes.ts';
import { count, fileLine, follow, sum, type Tally } from './reporter.ts';
import { longestFirst, noteTime, readTimes, secondsLeft, TIMES_FILE } from './times.ts';

/**
 * Runs all tests, or those of the files named, or with --quick those that need no gateway and no machine; each file in a
 * process of its own: first what needs no virtual machine, two files at a time, and more while the processors are idle;
 * then what does, two at a time.
 */
const words = process.argv.slice(2);
const quick = words[0] === '--quick';
const named = (quick ? words.slice(1) : words).map((file) => relative('.', resolve(file)));
const absent = named.filter((file) => !statSync(file, { throwIfNoEntry: false })?.isFile());
if (absent.length > 0) refuse(`There is no file ${absent.join(' and no file ')}.`);
const chosen = named.length > 0 ? named : testFiles();
const allowed = new Set(quick ? quickFiles(testFiles()) : chosen);
const slow = chosen.filter((file) => !allowed.has(file));
if (named.length > 0 && slow.length > 0) {
  refuse(
    `Not quick, for it starts a gateway, a machine or a browser: ${slow.join(' ')}. Name it without --quick, as root.`,
  );
}
const possible = (file: string) => process.getuid?.() === 0 || !needsRoot(file);
const files = chosen.filter((file) => allowed.has(file) && possible(file));
const impossible = chosen.filter((file) => allowed.has(file) && !possible(file));
/** Coverage is judged over everything alone. */
const coverage = named.length === 0 && !quick ? coverageDirectory() : undefined;
let times = readTimes(TIMES_FILE);

function refuse(why: string): never {
  process.stderr.write(`${why} './lethe test --help' tells more.\n`);
  process.exit(2);
}

interface Phase {
  readonly title: string;
  /** In the order in which they begin. */
  readonly files: readonly string[];
  readonly waiting: Set<string>;
  /** When each that runs began, by the clock's elapsed time. */
  readonly running: Map<string, number>;
  readonly ended: Tally[];
  /** Files at a time: at least, and while half of the processors are idle. */
  readonly lanes: Lanes;
  /** Limit of one test. An emulated machine on a busy host is slow. */
  readonly minutes: number;
}

function phase(of: Pick<Phase, 'title' | 'files' | 'lanes' | 'minutes'>): Phase {
  const ordered = longestFirst(of.files, times);
  return { ...of, files: ordered, waiting: new Set(ordered), running: new Map(), ended: [] };
}

const phases = [
  phase({
    title: '',
    files: files.filter((file) => !needsMachine(file)),
    lanes: { least: 2, most: 4 },
    minutes: 20,
  }),
  phase({
    title: 'in virtual machines',
    files: files.filter(needsMachine),
    lanes: { least: 2, most: 2 },
    minutes: 90,
  }),
].filter((one) => one.files.length > 0);

const display = new Display(
  { write: (text) => void process.stdout.write(text), interactive: process.stdout.isTTY },
  systemClock,
  () => process.stdout.getWindowSize()[0],
);
const print = (text: string) => display.print(text);
const secondsSince = (start: number) => (systemClock.elapsed() - start) / 1000;
const runningIn = (one: Phase) => [...one.running].map(([file, start]) => ({ file, seconds: secondsSince(start) }));
const left = () =>
  secondsLeft(
    phases.map((one) => ({ ...one, concurrency: one.lanes.least, waiting: [...one.waiting], running: runningIn(one) })),
    times,
  );

function show(): void {
  const ended = phases.flatMap((one) => one.ended);
  const { failed } = sum(ended);
  display.show({ done: ended.length, total: files.length, failed, running: phases.flatMap(runningIn), left: left() });
}

function opening(): string {
  const estimate = left();
  const time =
    estimate === undefined
      ? `no telling how long: ${TIMES_FILE} knows too few of them`
      : `about ${duration(estimate)} by the times in ${TIMES_FILE}`;
  const without = impossible.length === 0 ? '' : `Without root these are left out: ${impossible.join(' ')}\n`;
  return `${without}${files.length} ${files.length === 1 ? 'file' : 'files'} of tests, ${time}\n`;
}

async function runFile(one: Phase, file: string): Promise<void> {
  const tally: Tally = { passed: 0, failed: 0, milliseconds: 0 };
  const start = systemClock.elapsed();
  one.waiting.delete(file);
  one.running.set(file, start);
  const env = coverage === undefined ? process.env : { ...process.env, NODE_V8_COVERAGE: coverage };
  await follow(runTests({ files: [resolve(file)], timeout: one.minutes * 60_000, env }), tally, print);
  one.running.delete(file);
  one.ended.push(tally);
  const seconds = secondsSince(start);
  print(fileLine(file, tally, seconds));
  if (tally.failed === 0) times = noteTime(TIMES_FILE, file, seconds);
}

/** Milliseconds. */
const LOOK_EVERY = 1000;

/** Tests wait for daemons and clocks more than they compute: more of them run while half of the processors are idle. */
async function runPhase(one: Phase): Promise<void> {
  const meter = new IdleMeter(systemClock.elapsed());
  const host = { isIdle: () => meter.isIdle(systemClock.elapsed(), 0.5), pause: () => delay(LOOK_EVERY) };
  await inLanes(one.files, one.lanes, host, (file) => runFile(one, file));
  const total = sum(one.ended);
  print(`\n${count(total)}${one.title === '' ? '' : ` ${one.title}, ${(total.milliseconds / 1000).toFixed(0)} s`}\n`);
}

print(opening());
const timer = setInterval(show, 1000);
for (const one of phases) await runPhase(one);
clearInterval(timer);
const total = sum(phases.flatMap((one) => one.ended));
if (coverage !== undefined) total[(await judgeCoverage(coverage, print)) ? 'passed' : 'failed'] += 1;
// The last line is the count of everything; one phase without a title has said it already.
if (coverage !== undefined || phases.some(({ title }) => title !== '')) print(`\n${count(total)}\n`);
process.exitCode = total.failed === 0 ? 0 : 1;
