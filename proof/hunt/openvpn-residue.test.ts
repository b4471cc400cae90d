// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { waitUntil } from '../../src/core/clock/until.ts';
import { systemRandom } from '../../src/core/random/random.ts';
import { type Child, spawnChild } from '../../src/host/processes/process.os.ts';
import { AuthFileIssuer } from '../labs/customers/issuer.os.ts';
import { type OpenvpnLab, openOpenvpnLab } from '../labs/openvpn/lab.os.ts';
import { type Marker, marked, markedAddress, patternsOf, randomAddress4, randomWord } from './marker.ts';
import { Matcher } from './matcher.ts';
import { searchMemory } from './memory.os.ts';
import { watchFiles } from './opened.os.ts';
import { Tally } from './place.ts';

// What a connection leaves behind: in files, and in the memory of the agent while it lasts and after.

const AGENT = fileURLToPath(new URL('../labs/openvpn/agent.main.ts', import.meta.url));
const NAIVE = fileURLToPath(new URL('./naive.ts', import.meta.url));
const address = randomAddress4(systemRandom);
const customer = { username: randomWord(systemRandom), password: randomWord(systemRandom) };
const markers: readonly Marker[] = [
  markedAddress('address', address),
  marked('username', customer.username),
  marked('password', customer.password),
];
const patterns = markers.flatMap((marker) => patternsOf(marker));
let directory: string;
let files: readonly string[];
let lab: OpenvpnLab;

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-residue-'));
  const issuer = new AuthFileIssuer();
  files = issuer.write(directory, issuer.seal([customer]));
  lab = await openOpenvpnLab({ addresses: [address] });
});

after(async () => {
  await lab.close();
  rmSync(directory, { recursive: true });
});

async function start(program: string): Promise<Child> {
  const child = spawnChild(['node', program, lab.socket(), ...files]);
  await waitUntil('the agent is ready', () => child.output().includes('ready') || !child.running);
  assert.ok(child.running, child.output());
  return child;
}

function found(child: Child): string[] {
  const tally = new Tally(new Matcher(patterns));
  assert.equal(searchMemory(child.pid, tally), 'searched');
  return tally.hits().map(({ marker, encoding, count, at }) => `${marker} as ${encoding}, ${count} times, in ${at}`);
}

test('a connection and its end open no file for writing', async () => {
  const agent = await start(AGENT);
  const watch = await watchFiles([lab.server().pid, agent.pid]);
  try {
    const client = await lab.connected(0, customer.username, customer.password);
    await lab.clients[0]?.run(['ping', '-q', '-c1', '-W20', lab.plan.service4]);
    await client.stop();
    const refused = await lab.connect(0, customer.username, 'wrong');
    await waitUntil('the client is refused', () => refused.output().includes('AUTH_FAILED'));
    await refused.exited;
  } finally {
    await watch.stop();
    await agent.stop();
  }
  assert.deepEqual(watch.changes, []);
});

test('the agent holds nothing of its customer, not even while connected, and a naive one is caught', async () => {
  const agent = await start(AGENT);
  assert.deepEqual(found(agent), []);
  await lab.connected(0, customer.username, customer.password);
  assert.deepEqual(found(agent), []);
  assert.notDeepEqual(found(lab.server()), [], 'the daemon must know its client');
  await lab.disconnectAll();
  assert.deepEqual(found(agent), []);
  assert.deepEqual(await agent.stop(), { code: 0, signal: null });

  const naive = await start(NAIVE);
  try {
    await lab.connected(0, customer.username, customer.password);
    const seen = found(naive).join('\n');
    for (const marker of markers) assert.match(seen, new RegExp(`^${marker.name} as`, 'm'));
  } finally {
    await naive.stop();
  }
});
