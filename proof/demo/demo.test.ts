// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../../src/core/clock/clock.ts';
import { systemRandom } from '../../src/core/random/random.ts';
import { demo } from './demo.cli.ts';
import type { DemoReport } from './demo.os.ts';

function recorded(): { written: string[]; terminal: { write(text: string): void; interactive: boolean } } {
  const written: string[] = [];
  return { written, terminal: { write: (text) => written.push(text), interactive: false } };
}

/** Whatever a demo leaves on the disk is below this. */
const temporary = mkdtempSync(join(tmpdir(), 'lethe-demo-test-'));
chmodSync(temporary, 0o711);
process.env['TMPDIR'] = temporary;
after(() => rmSync(temporary, { recursive: true, force: true }));

/** Without an interruption. */
const DEPS = { clock: systemClock, random: systemRandom, stopRequested: new Promise<void>(() => undefined) };

test('the demo holds: three stock clients, six fields, nothing else found, and nothing is left behind', async () => {
  const [stdout, stderr] = [recorded(), recorded()];
  const deps = { ...DEPS, stdout: stdout.terminal, stderr: stderr.terminal };
  const code = await demo({ json: true, version: '0.1.0' }, deps, [10, 60]);
  const told = stderr.written.join('');
  assert.equal(stdout.written.length, 1);
  const report = JSON.parse(stdout.written[0] ?? '') as DemoReport;
  assert.equal(code, 0, told);

  assert.ok(report.ok && report.steps.every((step) => step.ok && step.ms >= 0));
  assert.deepEqual(
    report.sessions.map(({ protocol, page, dns }) => ({ protocol, page, dns })),
    [
      { protocol: 'openvpn', page: true, dns: true },
      { protocol: 'ikev2', page: true, dns: true },
      { protocol: 'wireguard', page: true, dns: true },
    ],
  );
  assert.deepEqual(report.seats, { used: 3, limit: 5 });
  const events = report.remembered.filter(({ store }) => store === 'database.usage_events');
  assert.deepEqual(
    events.map(({ fields }) => fields['protocol'] ?? '').toSorted((a, b) => (a < b ? -1 : 1)),
    ['ikev2', 'openvpn-udp', 'wireguard'],
  );
  for (const { fields, declaredAs } of events) {
    assert.deepEqual(Object.keys(fields), ['date', 'user', 'country', 'isp', 'megabytes', 'location', 'protocol']);
    assert.match(fields['country'] ?? '', /^(SE|CH|US)$/);
    assert.equal(declaredAs[0], 'database.usage_events.date');
  }
  assert.deepEqual(report.hunt.findings, []);
  assert.ok(report.hunt.controlsPlanted >= 8 && report.hunt.controlsFound === report.hunt.controlsPlanted);
  assert.ok(report.hunt.bytesSearched > 100_000_000 && report.hunt.markers >= 15 && report.hunt.encodings.length >= 12);
  assert.match(told, /agent memory +WireGuard public key/);
  assert.deepEqual(readdirSync(temporary), []);
});

test('a demo whose service cannot start says so, ends with 1 and leaves nothing', async () => {
  const [stdout, stderr] = [recorded(), recorded()];
  const random = {
    bytes: () => {
      throw new Error('no randomness today');
    },
  };
  const deps = { ...DEPS, stdout: stdout.terminal, stderr: stderr.terminal, random };
  assert.equal(await demo({ json: false, version: '0.0.0' }, deps, []), 1);
  const told = stdout.written.join('');
  assert.match(told, /✗ the whole service starts .*no randomness today/);
  assert.match(told, /NOT every step held: 0 of 1/);
  assert.deepEqual(stderr.written, []);
  assert.deepEqual(readdirSync(temporary), []);
  assert.equal(existsSync('/run/lethe'), false);
});

/** Interrupts a demo as soon as it has said this. */
async function interrupted(when: RegExp): Promise<{ code: number; told: string; said: string }> {
  const stderr = recorded();
  const { promise: stopRequested, resolve } = Promise.withResolvers<void>();
  let told = '';
  const write = (text: string) => {
    told += text;
    if (when.test(told)) resolve();
  };
  const deps = { ...DEPS, stdout: { write, interactive: false }, stderr: stderr.terminal, stopRequested };
  const code = await demo({ json: false, version: '0.1.0' }, deps, []);
  return { code, told, said: stderr.written.join('') };
}

test('a demo that is interrupted takes everything back and says so, while it starts and later', async () => {
  for (const when of [/✓ Starting the database/, /✓ three devices wait/]) {
    const { code, told, said } = await interrupted(when);
    assert.equal(code, 1, told);
    assert.match(said, /^lethe: It stops when .*\nlethe: Stopped\. Nothing is left of it\.\n$/);
    assert.doesNotMatch(told, /✗|Every step/);
    assert.deepEqual(readdirSync(temporary), []);
  }
});
