// SPDX-License-Identifier: AGPL-3.0-or-later
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

export interface Tally {
  passed: number;
  failed: number;
  /** Of its tests, one after the other. */
  milliseconds: number;
}

/** `12 passed, 0 failed` */
export function count({ passed, failed }: Tally): string {
  return `${passed} passed, ${failed} failed`;
}

export function sum(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (total, { passed, failed, milliseconds }) => ({
      passed: total.passed + passed,
      failed: total.failed + failed,
      milliseconds: total.milliseconds + milliseconds,
    }),
    { passed: 0, failed: 0, milliseconds: 0 },
  );
}

/** The line of a file that has ended; `seconds` from its start to the end of its process. */
export function fileLine(file: string, { passed, failed }: Tally, seconds: number): string {
  const verdict = failed === 0 ? 'ok    ' : 'FAILED';
  return `${verdict} ${seconds.toFixed(1).padStart(7)} s  ${String(passed).padStart(4)}  ${file}\n`;
}

/**
 * Counts the tests of one file as they end, and prints each failure whole, at once, and the figures that tests give.
 * What a file says on standard error is printed with `verbose`; otherwise only where the file itself fails, because
 * that is where Node says why.
 */
export async function follow(
  source: AsyncIterable<TestEvent>,
  tally: Tally,
  print: (text: string) => void,
  verbose = process.env['LETHE_TEST_OUTPUT'] !== undefined,
): Promise<void> {
  let said = '';
  for await (const event of source) {
    if (event.type === 'test:pass' || event.type === 'test:fail') result(event, tally, print, verbose ? '' : said);
    // Without a file it is the runner that speaks.
    if (event.type === 'test:diagnostic' && event.data.file !== undefined) print(paragraph(event.data.message));
    if (event.type === 'test:stderr') {
      if (verbose) print(event.data.message);
      else said = (said + event.data.message).slice(-KEPT);
    }
  }
}

const KEPT = 65_536;

function result(
  event: Extract<TestEvent, { type: 'test:pass' | 'test:fail' }>,
  tally: Tally,
  print: (text: string) => void,
  said: string,
): void {
  const { data } = event;
  const passed = event.type === 'test:pass' && data.skip === undefined && data.todo === undefined;
  tally[passed ? 'passed' : 'failed'] += 1;
  if (data.nesting === 0) tally.milliseconds += data.details.duration_ms;
  if (passed) return;
  const file = relative(process.cwd(), data.file ?? 'unknown file');
  const itself = data.name === file || data.name === data.file;
  const title = itself ? 'the file itself' : data.name;
  const skipped = event.type === 'test:pass' ? ' (skipped, which counts as failed)' : '';
  const why = event.type === 'test:fail' ? reason(event.data.details.error) : 'no reason given';
  print(`\nFAILED  ${file}: ${title}${skipped}\n${why}\n${itself ? said : ''}`);
}

function reason(error: Error): string {
  if (error.cause instanceof Error) return error.cause.stack ?? error.cause.message;
  return typeof error.cause === 'string' ? error.cause : error.message;
}

/** A line by itself; a table apart from what is above it. */
function paragraph(message: string): string {
  return message.includes('\n') ? `\n${message}\n` : `${message}\n`;
}
