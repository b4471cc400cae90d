// SPDX-License-Identifier: AGPL-3.0-or-later
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

/** Coverage that every source file together must reach, in per cent (R3). */
export const GATE = 95;

interface Tally {
  passed: number;
  failed: number;
}

interface Totals {
  coveredLinePercent: number;
  coveredBranchPercent: number;
  coveredFunctionPercent: number;
}

interface Covered extends Totals {
  path: string;
}

/** One line a file of tests, each failure whole, figures that tests give, the coverage, and a closing count. */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const tally: Tally = { passed: 0, failed: 0 };
  const files = new Map<string, Tally & { milliseconds: number }>();
  let coverage: { files: Covered[]; totals: Totals } | undefined;
  for await (const event of source) {
    if (event.type === 'test:pass' || event.type === 'test:fail') yield* result(event, tally, files);
    // Without a file it is the runner that speaks.
    if (event.type === 'test:diagnostic' && event.data.file !== undefined) yield paragraph(event.data.message);
    if (event.type === 'test:coverage') coverage = event.data.summary;
    if (event.type === 'test:stderr' && process.env['LETHE_TEST_OUTPUT'] !== undefined) yield event.data.message;
  }
  yield* filesTable(files);
  if (coverage !== undefined) yield* coverageTable(coverage.files, coverage.totals, tally);
  yield `\n${tally.passed} passed, ${tally.failed} failed${phase(files)}\n`;
}

/** What run.ts calls this part of the tests, and how long its tests took one after the other. */
function phase(files: Map<string, { milliseconds: number }>): string {
  const title = process.env['LETHE_TEST_PHASE'];
  if (title === undefined || title === '') return '';
  const seconds = [...files.values()].reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000;
  return ` ${title}, ${seconds.toFixed(0)} s`;
}

function* result(
  event: Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>,
  tally: Tally,
  files: Map<string, Tally & { milliseconds: number }>,
): Generator<string> {
  const { data } = event;
  const file = relative(process.cwd(), data.file ?? 'unknown file');
  const counts = files.get(file) ?? { passed: 0, failed: 0, milliseconds: 0 };
  files.set(file, counts);
  const passed = event.type === 'test:pass' && data.skip === undefined && data.todo === undefined;
  tally[passed ? 'passed' : 'failed'] += 1;
  counts[passed ? 'passed' : 'failed'] += 1;
  if (data.nesting === 0) counts.milliseconds += data.details.duration_ms;
  if (passed) return;
  const cause = event.type === 'test:fail' ? event.data.details.error : undefined;
  const inner =
    cause?.cause instanceof Error ? (cause.cause.stack ?? cause.cause.message) : (cause?.message ?? 'no reason given');
  yield `\nFAILED  ${file}: ${data.name}${event.type === 'test:pass' ? ' (skipped, which counts as failed)' : ''}\n${inner}\n`;
}

function* filesTable(files: Map<string, Tally & { milliseconds: number }>): Generator<string> {
  for (const [file, { passed, failed, milliseconds }] of [...files].toSorted((a, b) => (a[0] < b[0] ? -1 : 1))) {
    const seconds = (milliseconds / 1000).toFixed(1).padStart(7);
    yield `${failed === 0 ? 'ok    ' : 'FAILED'} ${seconds} s  ${String(passed).padStart(4)}  ${file}\n`;
  }
}

function* coverageTable(files: Covered[], totals: Totals, tally: Tally): Generator<string> {
  const row = (name: string, t: Totals) =>
    `${[t.coveredLinePercent, t.coveredBranchPercent, t.coveredFunctionPercent].map((n) => n.toFixed(1).padStart(6)).join('  ')}  ${name}\n`;
  yield '\nCoverage in per cent\n lines  branch  funct.\n';
  for (const file of files) {
    const low = Math.min(file.coveredLinePercent, file.coveredBranchPercent, file.coveredFunctionPercent);
    if (low < GATE) yield row(relative(process.cwd(), file.path), file);
  }
  yield row(`all ${files.length} source files`, totals);
  const lowest = Math.min(totals.coveredLinePercent, totals.coveredBranchPercent, totals.coveredFunctionPercent);
  if (lowest < GATE) {
    tally.failed += 1;
    yield `FAILED  coverage is below ${GATE} % \n`;
  } else tally.passed += 1;
}

/** A line by itself; a table apart from what stands above it. */
function paragraph(message: string): string {
  return message.includes('\n') ? `\n${message}\n` : `${message}\n`;
}
