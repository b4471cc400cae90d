// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { GATEWAY_JUDGES } from '../../src/gateway/agent/judges.ts';
import { placeFiles } from '../../src/host/files/place.os.ts';
import { run } from '../../src/host/processes/process.os.ts';
import { handPlacedFiles } from './hand-placed.ts';
import { judgeListing, listingCommand } from './listing.ts';

let root: string;

before(async () => {
  root = mkdtempSync(join(tmpdir(), 'lethe-listing-'));
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  for (const file of await handPlacedFiles('192.0.2.1')) placeFiles(root, [{ ...file, owner }]);
  for (const name of ['private', 'openvpn-udp', 'openvpn-tcp', 'charon', 'resolver', 'activation']) {
    mkdirSync(at(name));
  }
  symlinkSync('/run/lethe/keys/server.key', at('private/server.key'));
  // A guest has no other tools than these.
  mkdirSync(join(root, 'tools'));
  for (const tool of ['find', 'sed', 'sh']) symlinkSync('/usr/bin/busybox', join(root, 'tools', tool));
});

after(() => rmSync(root, { recursive: true }));

const at = (name: string) => join(root, 'run/lethe', name);

/** What is found, as a guest's shell and files would answer. */
async function found(judges = GATEWAY_JUDGES): Promise<string[]> {
  const listing = await run(['env', `PATH=${join(root, 'tools')}`, 'sh', '-c', listingCommand(at(''))]);
  const findings = await judgeListing(listing, async (name) => readFileSync(at(name), 'utf8'), judges);
  return findings.map(({ file, problem }) => `${file}: ${problem}`);
}

test('all that is placed by hand in a guest is known or judged', async () => {
  writeFileSync(at('activation/published.json'), '{}');
  assert.deepEqual(await found(), []);
});

test('a file that no judge claims is a finding', async () => {
  writeFileSync(at('more.conf'), 'quiet');
  assert.deepEqual(await found(), ['more.conf: nobody knows what this is']);
  rmSync(at('more.conf'));
  for (const judge of GATEWAY_JUDGES) {
    const others = GATEWAY_JUDGES.filter((other) => other !== judge);
    const missed = await found(others);
    for (const name of judge.files) assert.ok(missed.includes(`${name}: nobody knows what this is`), name);
  }
});

test('what a judge finds in a file is found', async () => {
  const good = readFileSync(at('unbound.conf'), 'utf8');
  writeFileSync(at('unbound.conf'), good.replace('log-queries: no', 'log-queries: yes'));
  assert.deepEqual(await found(), ['unbound.conf: log-queries must be no']);
  writeFileSync(at('unbound.conf'), good);
});
