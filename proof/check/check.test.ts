// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempDisposableSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock/clock.ts';
import { CHECKS, check } from './check.cli.ts';

function recorded(): { written: string[]; terminal: { write(text: string): void; interactive: boolean } } {
  const written: string[] = [];
  return { written, terminal: { write: (text) => written.push(text), interactive: false } };
}

test('all checks run, and what the failed ones said is printed', async () => {
  const { written, terminal } = recorded();
  const code = await check(terminal, systemClock, [
    { title: 'bad', argv: ['sh', '-c', 'echo why; exit 1'] },
    { title: 'good', argv: ['true'] },
    { title: 'worse', argv: ['sh', '-c', 'echo because; exit 2'] },
  ]);
  assert.equal(code, 1);
  const text = written.join('');
  for (const line of [/✗ bad/, /✓ good/, /✗ worse/]) assert.match(text, line);
  assert.match(text, /\n\nwhy\n\nbecause\n$/);
});

test('checks run side by side', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-check-'));
  // Each ends only when the other has begun.
  const waits = (mine: string, other: string) =>
    `touch ${mine}; for try in $(seq 600); do [ -e ${other} ] && exit; sleep 0.1; done; exit 1`;
  const one = { title: 'one', argv: ['sh', '-c', waits(join(directory, '1'), join(directory, '2'))] };
  const two = { title: 'two', argv: ['sh', '-c', waits(join(directory, '2'), join(directory, '1'))] };
  assert.equal(await check(recorded().terminal, systemClock, [one, two]), 0);
  rmSync(directory, { recursive: true, force: true });
});

test('a clean check is 0', async () => {
  assert.equal(await check(recorded().terminal, systemClock, [{ title: 'good', argv: ['true'] }]), 0);
});

test('a checker that cannot be started is not a clean check', async () => {
  const { terminal } = recorded();
  assert.equal(await check(terminal, systemClock, [{ title: 'gone', argv: ['/absent/checker'] }]), 1);
});

test('a copied function is found, unless a judge has it', async () => {
  using directory = mkdtempDisposableSync(join(tmpdir(), 'lethe-check-'));
  const copies = CHECKS.find(({ title }) => title === 'copies (jscpd)') ?? assert.fail();
  const { written, terminal } = recorded();
  const find = () => check(terminal, systemClock, [{ ...copies, argv: [...copies.argv, directory.path] }]);
  const lines = Array.from({ length: 20 }, (_, line) => `  const value${line} = await read(${line}, source);\n`);
  const write = (name: string) =>
    writeFileSync(join(directory.path, name), `function copied() {\n${lines.join('')}}\n`);
  write('one.ts');
  write('nologging.ts');
  assert.equal(await find(), 0);
  write('other.ts');
  assert.equal(await find(), 1);
  assert.match(written.join(''), /one\.ts[^]*other\.ts|other\.ts[^]*one\.ts/);
});
