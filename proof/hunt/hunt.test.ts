// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemRandom } from '../../src/core/random/random.ts';
import { type Child, spawnChild } from '../../src/host/processes/process.os.ts';
import { untilSays } from '../../src/host/processes/ready.os.ts';
import { Hunt } from './hunt.os.ts';
import { type Marker, marked, markedAddress, markedCount, markedPort, randomAddress4, randomWord } from './marker.ts';
import type { Target } from './search.os.ts';
import { renderReport, renderSightings } from './table.ts';

const NAIVE = fileURLToPath(new URL('naive.ts', import.meta.url));
const CONTROLS = [{ name: 'a leak', found: true }];

const address = randomAddress4(systemRandom);
const username = randomWord(systemRandom);
const password = randomWord(systemRandom);
const markers: readonly Marker[] = [
  markedAddress('source', address),
  markedPort('port', 40_123, address),
  marked('username', username),
  marked('password', password),
];

let directory: string;
let server: Server;
let agent: Child;
let management: Socket;
const answers: string[] = [];

/** The test takes OpenVPN's place: it has the socket, and the naive agent connects to it. */
before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-hunt-'));
  server = createServer().listen(join(directory, 'socket'));
  agent = spawnChild(['node', NAIVE, join(directory, 'socket')]);
  [management] = (await once(server, 'connection')) as [Socket];
  management.setEncoding('utf8').on('data', (text: string) => {
    answers.push(text);
  });
});

after(async () => {
  management.destroy();
  server.close();
  await agent.exited;
  rmSync(directory, { recursive: true });
});

function targets(): Target[] {
  return [
    { kind: 'process', name: 'agent', pid: agent.pid, owner: 'own' },
    { kind: 'tree', name: 'files', path: directory },
    { kind: 'bytes', name: 'output', bytes: Buffer.from(agent.output()) },
  ];
}

async function say(lines: readonly string[]): Promise<void> {
  management.write(lines.map((line) => `>CLIENT:${line}\r\n`).join(''));
  await untilSays(agent, 'the agent', /\}\s*$/);
}

test('a naive agent is caught: in its memory while connected and later, and by what it prints', async () => {
  const hunt = new Hunt([systemRandom.bytes(16)]);
  hunt.plant(...markers);
  await hunt.look('before', targets());
  assert.deepEqual(
    hunt.sightings.flatMap(({ hits }) => hits),
    [],
  );

  const client = [`ENV,username=${username}`, `ENV,password=${password}`, `ENV,untrusted_ip=${address}`];
  await say(['CONNECT,7,1', ...client, 'ENV,untrusted_port=40123', 'ENV,END']);
  while (answers.length === 0) await delay(10);
  assert.deepEqual(answers, ['client-auth-nt 7 1\n']);
  await hunt.look('connected', targets());

  await say(['DISCONNECT,7', 'ENV,END']);
  hunt.plant(markedCount('bytes', 123_456_789));
  writeFileSync(join(directory, 'statistics'), '{"7":123456789}');
  await hunt.look('+10 s', targets());

  const report = hunt.verdict({ expected: [], allowed: [], controls: CONTROLS });
  assert.equal(report.ok, false);
  const found = new Set(report.findings.map(({ place, marker, phase }) => `${place}: ${marker}, ${phase}`));
  for (const marker of ['source', 'username', 'password']) {
    assert.ok(found.has(`agent memory: ${marker}, connected`), marker);
    assert.ok(found.has(`output: ${marker}, connected`), marker);
  }
  assert.ok(found.has('agent memory: port, connected'));
  assert.ok(found.has('files: bytes, +10 s'));
  assert.match(renderSightings(hunt.sightings), /^agent memory +username +0 +\d+ +\d+$/m);
  assert.match(renderReport(report), /^5 markers in \d+ kinds of encoding, \d+ MB searched, 1 of 1 leaks/);
  assert.ok(report.bytesSearched > 10e6 && report.encodings.length >= 15);
});

test('a process that ended is not called clean', async () => {
  const child = spawnChild(['true']);
  await child.exited;
  const hunt = new Hunt();
  hunt.plant(...markers);
  await hunt.look('connected', [{ kind: 'process', name: 'gone', pid: child.pid, owner: 'own' }]);
  const report = hunt.verdict({ expected: [], allowed: [], controls: CONTROLS });
  assert.deepEqual([report.ok, report.vanished], [false, ['gone memory, connected']]);

  const worker: Target = { kind: 'process', name: 'worker', pid: child.pid, owner: 'own', transient: true };
  assert.deepEqual(await hunt.look('connected', [worker]), []);
});

test('a hunt over nothing at all is not green', () => {
  assert.equal(new Hunt().verdict({ expected: [], allowed: [], controls: [] }).ok, false);
});
