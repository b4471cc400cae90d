// SPDX-License-Identifier: AGPL-3.0-or-later
import { dirname } from 'node:path';
import { needsMachine, reach, testFiles } from '../runner/files.ts';
import type { Times } from '../runner/times.ts';

/** Seconds for a file of tests whose time is not known. */
const UNKNOWN = 5;
/** Seconds of tests that are tried on one mutant. */
const BUDGET = 240;

/** Which files of tests may notice that a file is broken: those that reach it, those beside it first, then the shortest. */
export type Near = (file: string) => string[];

/** Virtual machines are never started. What remains is cut where it would take more than four minutes. */
export function nearTests(times: Times, files: readonly string[] = testFiles()): Near {
  const reached = new Map(files.filter((file) => !needsMachine(file)).map((file) => [file, reach(file)]));
  return (file) => {
    const cost = (test: string) => times[test] ?? UNKNOWN;
    const beside = (test: string) => (dirname(test) === dirname(file) ? 0 : 1);
    const own = (test: string) => (test === ownTest(file) ? 0 : 1);
    const found = [...reached].filter(([, paths]) => paths.has(file)).map(([test]) => test);
    found.sort((a, b) => own(a) - own(b) || beside(a) - beside(b) || cost(a) - cost(b));
    let spent = 0;
    return found.filter((test, index) => {
      spent += cost(test);
      return index === 0 || spent <= BUDGET;
    });
  };
}

/** `a/b.os.ts` has `a/b.test.ts`. */
function ownTest(file: string): string {
  return `${file.replace(/(?:\.(?:os|http|store|page|cli))?\.ts$/, '')}.test.ts`;
}
