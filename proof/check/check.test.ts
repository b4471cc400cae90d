// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock/clock.ts';
import { check } from './check.cli.ts';

function recorded(): { written: string[]; terminal: { write(text: string): void; interactive: boolean } } {
  const written: string[] = [];
  return { written, terminal: { write: (text) => written.push(text), interactive: false } };
}

test('all checks run, and what the failed ones said is printed', async () => {
  const { written, terminal } = recorded();
  const code = await check(terminal, systemClock, [
    { title: 'bad', argv: ['sh', '-c', 'echo why; exit 1'] },
    { title: 'good', argv: ['true'] },
  ]);
  assert.equal(code, 1);
  assert.match(written.join(''), /✗ bad.*\n.*✓ good.*\n\nwhy\n$/);
});

test('a clean check is 0', async () => {
  assert.equal(await check(recorded().terminal, systemClock, [{ title: 'good', argv: ['true'] }]), 0);
});

test('a checker that cannot be started is not a clean check', async () => {
  const { terminal } = recorded();
  assert.equal(await check(terminal, systemClock, [{ title: 'gone', argv: ['/absent/checker'] }]), 1);
});
