// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root.
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Probe } from '../../src/host/machines/probe.os.ts';
import { run } from '../../src/host/processes/process.os.ts';
import { usesOfPages } from './pages.os.ts';
import { USES, usesOf } from './pages.ts';

const PAGE = 4096;

/** The number of the first page of our heap, as the kernel numbers the machine's pages. */
function pageOfOurs(): number {
  const [, start = ''] = /^([0-9a-f]+)-\S+ rw-p .*\[heap\]$/m.exec(readFileSync('/proc/self/maps', 'latin1')) ?? [];
  const entry = Buffer.alloc(8);
  const file = openSync('/proc/self/pagemap', 'r');
  readSync(file, entry, 0, 8, (Number.parseInt(start, 16) / PAGE) * 8);
  closeSync(file);
  return entry.readUInt32LE();
}

test('the program for guests finds who has a page, and says what it is, on this machine too', async () => {
  const page = pageOfOurs();
  assert.ok(page > 0);
  const program = fileURLToPath(new URL('guest-pages.ts', import.meta.url));
  const beyond = 2 ** 40;
  const answer = await run([process.execPath, program, String(page), String(beyond)]);
  const [ours, none] = JSON.parse(answer) as [number, number, string[]][];
  assert.equal(ours?.[0], page);
  // Anonymous memory, mapped: bits 12 and 11.
  assert.equal((ours?.[1] ?? 0) & 0x1800, 0x1800);
  assert.equal(ours?.[2].length, 1);
  assert.deepEqual(none, [beyond, 0, []]);
});

test('a guest is asked about pages by their numbers alone, and not about memory that lies elsewhere in its file', async () => {
  let asked = '';
  const text = (command: string) => {
    asked = command;
    return Promise.resolve('[[7,128,[]]]');
  };
  const probe = { text } as Probe;
  assert.deepEqual([...(await usesOfPages(probe, [7]))], [[7, USES.slab]]);
  assert.match(asked, /^echo [\w+/=]+ \| base64 -d \| node --input-type=module - 7$/);
  await assert.rejects(usesOfPages(probe, [2 ** 19]), RangeError);
});

test('each page has one use: that of the services that have it mapped, or what the kernel says', () => {
  const cases: readonly [number, string[], string][] = [
    [1 << 7, ['lethe-agent.service'], 'lethe-agent memory'],
    [0, ['lethe-openvpn-udp.service', 'init.scope'], 'init.scope + lethe-openvpn-udp memory'],
    [1 << 10, [], USES.free],
    [(1 << 7) | (1 << 16), [], USES.slab],
    [1 << 26, [], USES.table],
    [(1 << 5) | (1 << 12), [], USES.nobody],
    [(1 << 5) | (1 << 3), [], USES.files],
    [1 << 15, [], USES.fragments],
    [0, [], USES.other],
  ];
  const answer = JSON.stringify(cases.map(([flags, services], page) => [page, flags, services]));
  assert.deepEqual(
    [...usesOf(answer)],
    cases.map(([, , use], page) => [page, use]),
  );
});
