// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterFirmware, SerialConsole } from './serial-console.ts';

test('a marker is found in what was said before, and in what comes in pieces', async () => {
  const console = new SerialConsole();
  console.append('firmware\nloads boot');
  assert.equal((await console.waitFor(/loads (\w+)/, 1000))[1], 'boot');
  const found = console.waitFor(/root hash (\d+)/, 10_000);
  console.append(' loader\nroot ha');
  console.append('sh 42 is good\n');
  assert.equal((await found)[1], '42');
});

test('whoever waits in vain is told what the machine said last', async () => {
  const console = new SerialConsole();
  console.append(`${'noise\n'.repeat(100)}Kernel panic\n`);
  await assert.rejects(console.waitFor(/login/, 5), (error: Error) => {
    assert.match(error.message, /^waited for \/login\/ on the console: not within 0.005 s; it said last:\n/);
    assert.match(error.message, /Kernel panic\n$/);
    assert.ok(error.message.length < 400);
    return true;
  });
  const waiting = console.waitFor(/login/, 60_000);
  console.end('the machine went off');
  await assert.rejects(waiting, /the machine went off/);
  await assert.rejects(console.waitFor(/login/, 60_000), /the machine went off/);
  assert.ok(await console.waitFor(/panic/, 60_000));
});

test('a machine that talks without end costs a MiB', () => {
  const console = new SerialConsole();
  for (let index = 0; index < 40; index++) console.append('x'.repeat(100_000));
  assert.equal(console.text.length, 1 << 20);
});

test('what the firmware said is told from what comes after it', () => {
  const firmware = '\x1b[2JBdsDxe: loading Boot0001 "UEFI QEMU CD-ROM " from PciRoot(0x0)\r\n';
  const starting = 'BdsDxe: starting Boot0001 "UEFI QEMU CD-ROM " from PciRoot(0x0)\r\n';
  assert.equal(afterFirmware(''), undefined);
  assert.equal(afterFirmware(firmware), undefined);
  assert.equal(afterFirmware(firmware + starting), '');
  assert.equal(afterFirmware(`${firmware}${starting}EFI stub: hello\r\n`), 'EFI stub: hello\r\n');
});
