// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../core/clock/clock.ts';
import { Progress, table } from './terminal.ts';

function recorded(interactive: boolean): { written: string[]; progress: Progress; clock: ManualClock } {
  const written: string[] = [];
  const clock = new ManualClock(0);
  return { written, clock, progress: new Progress({ write: (text) => written.push(text), interactive }, clock) };
}

test('a stage is one line with its time', async () => {
  const { written, progress, clock } = recorded(false);
  const result = await progress.stage('Making keys', async () => {
    clock.advance(1500);
    return 42;
  });
  assert.equal(result, 42);
  assert.deepEqual(written, [`  ✓ ${'Making keys'.padEnd(56)}   1.5 s\n`]);
});

test('on a terminal the running stage shows itself first', async () => {
  const { written, progress } = recorded(true);
  await progress.stage('Making keys', async () => undefined);
  assert.equal(written[0], '  … Making keys');
  assert.ok(written[1]?.startsWith('\r\x1b[K  ✓ Making keys'));
});

test('stages that run side by side share the moving line, and each has its own when it ends', async () => {
  const { written, progress } = recorded(true);
  const ends: (() => void)[] = [];
  const stage = (title: string) => progress.stage(title, () => new Promise<void>((resolve) => ends.push(resolve)));
  const stages = [stage('types'), stage('lint')];
  ends[1]?.();
  await stages[1];
  ends[0]?.();
  await stages[0];
  assert.deepEqual(
    written.map((text) => text.replace(/ +\d.*\n/, '')),
    ['  … types', '\r\x1b[K', '  … types and 1 more', '\r\x1b[K  ✓ lint', '  … types', '\r\x1b[K  ✓ types'],
  );
});

test('a stage that fails is marked and the failure goes on', async () => {
  const { written, progress } = recorded(false);
  await assert.rejects(
    progress.stage('Opening the port', () => Promise.reject(new Error('taken'))),
    /taken/,
  );
  assert.match(written[0] ?? '', /✗ Opening the port/);
});

test('a table lines up its columns and leaves no blanks at the end of a line', () => {
  assert.equal(table([['a', 'bb', 'c'], ['aaa', 'b'], []]), 'a    bb  c\naaa  b\n\n');
});
