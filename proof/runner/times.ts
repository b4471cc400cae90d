// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** How long files of tests took when they last passed, in seconds, by path. */
export type Times = Readonly<Record<string, number>>;

/** Git ignores it. */
export const TIMES_FILE = '.lethe/test-times.json';

/** Empty when no run has left a file, or when the file there is not one. */
export function readTimes(path: string): Times {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof content !== 'object' || content === null) return {};
    return Object.fromEntries(Object.entries(content).filter(([, seconds]) => typeof seconds === 'number'));
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

/**
 * Notes one file's time, beside what other runs have written meanwhile, and gives all of them. A directory that belongs
 * to somebody else, as after a run as root, stays as it is.
 */
export function noteTime(path: string, file: string, seconds: number): Times {
  const times = { ...readTimes(path), [file]: Math.round(seconds * 10) / 10 };
  const unfinished = `${path}.${process.pid}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(unfinished, `${JSON.stringify(times, null, 2)}\n`);
    renameSync(unfinished, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error;
  }
  return times;
}

/**
 * Seconds that a file will take; one that has no time is taken for as long as the mean of its companions. Undefined when
 * fewer than half of these have one: then the mean says nothing.
 */
export function expect(file: string, companions: readonly string[], times: Times): number | undefined {
  const known = companions.map((name) => times[name]).filter((seconds) => seconds !== undefined);
  if (known.length * 2 < companions.length) return undefined;
  return times[file] ?? known.reduce((sum, seconds) => sum + seconds, 0) / known.length;
}

/** The longest first, so that no long one is left for the end, when nothing else runs beside it. */
export function longestFirst(files: readonly string[], times: Times): string[] {
  const seconds = (file: string) => expect(file, files, times) ?? 0;
  return files.toSorted((a, b) => seconds(b) - seconds(a));
}

/** One part of a run: its files, a number of them at a time. */
export interface Part {
  readonly concurrency: number;
  /** All of its files, for the mean. */
  readonly files: readonly string[];
  /** Those that have not begun, in order. */
  readonly waiting: readonly string[];
  readonly running: readonly { readonly file: string; readonly seconds: number }[];
}

/** Seconds until the parts have run one after the other; undefined when no earlier time tells. */
export function secondsLeft(parts: readonly Part[], times: Times): number | undefined {
  let total = 0;
  for (const { concurrency, files, waiting, running } of parts) {
    if (waiting.length + running.length === 0) continue;
    const lanes: number[] = Array(concurrency).fill(0);
    const left = [
      ...running.map(({ file, seconds }) => ({ expected: expect(file, files, times), seconds })),
      ...waiting.map((file) => ({ expected: expect(file, files, times), seconds: 0 })),
    ];
    for (const { expected, seconds } of left) {
      if (expected === undefined) return undefined;
      const first = lanes.indexOf(Math.min(...lanes));
      lanes[first] = (lanes[first] ?? 0) + Math.max(0, expected - seconds);
    }
    total += Math.max(...lanes);
  }
  return total;
}
