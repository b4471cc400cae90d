// SPDX-License-Identifier: AGPL-3.0-or-later
import { dirname } from 'node:path';
import { needsMachine, reach, SLOW, testFiles, textOf } from '../runner/files.ts';
import type { Times } from '../runner/times.ts';

/** Seconds for a file of tests whose time is not known: a quick one, and one that starts gateways or browsers. */
const UNKNOWN = { quick: 5, slow: 30 };
/** Seconds of tests that are tried on one mutant. */
const BUDGET = 240;

/**
 * Which files of tests may notice that a file is broken: those that reach it, those beside it first, then those that are
 * short and name it over few others.
 */
export type Near = (file: string) => string[];

/**
 * Virtual machines are never started, and the tests of the table itself are left out: they notice every line that is not as
 * the table has it. What remains is cut where it would take more than four minutes.
 */
export function nearTests(times: Times, files: readonly string[] = testFiles()): Near {
  const asked = files.filter((file) => !needsMachine(file) && !isOwn(file));
  const reached = new Map(asked.map((file) => [file, reach(file, (path) => (isOwn(path) ? '' : textOf(path)))]));
  return (file) => {
    const cost = (test: string) => times[test] ?? (isSlow(reached.get(test)) ? UNKNOWN.slow : UNKNOWN.quick);
    const way = (test: string) => cost(test) * 2 ** (reached.get(test)?.get(file) ?? 0);
    const beside = (test: string) => (dirname(test) === dirname(file) ? 0 : 1);
    const own = (test: string) => (test === ownTest(file) ? 0 : 1);
    const found = [...reached].filter(([, paths]) => paths.has(file)).map(([test]) => test);
    found.sort((a, b) => own(a) - own(b) || beside(a) - beside(b) || way(a) - way(b));
    let spent = 0;
    return found.filter((test, index) => {
      spent += cost(test);
      return index === 0 || spent <= BUDGET;
    });
  };
}

/** The table names every file that it breaks. */
function isOwn(path: string): boolean {
  return path.startsWith('proof/mutants/');
}

function isSlow(paths: ReadonlyMap<string, number> = new Map()): boolean {
  return SLOW.some((end) => [...paths.keys()].some((path) => path.endsWith(end)));
}

/** `a/b.os.ts` has `a/b.test.ts`. */
function ownTest(file: string): string {
  return `${file.replace(/(?:\.(?:os|http|store|page|cli))?\.(?:ts|c|h)$/, '')}.test.ts`;
}
