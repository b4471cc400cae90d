// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { below, systemRandom } from '../../src/core/random/random.ts';
import { assertWiped, compileWipe, isWiped, NotWipedError, wiped } from '../../src/gateway/residue/wipe.os.ts';
import { run, type SpawnOptions, spawnChild } from '../../src/host/processes/process.os.ts';
import { marked, patternsOf, randomWord } from './marker.ts';
import { Matcher } from './matcher.ts';
import { searchMemory } from './memory.os.ts';
import { Tally } from './place.ts';

const CARELESS = fileURLToPath(new URL('careless.c', import.meta.url));
const KINDS = ['freed', 'grown', 'shrunk', 'emptied', 'stack', 'dotted', 'thread'];
const CALLS = [
  'poll',
  'ppoll',
  'select',
  'pselect',
  'epoll_wait',
  'epoll_pwait',
  'pthread_cond_wait',
  'pthread_cond_timedwait',
  'sem_wait',
  'sem_timedwait',
  'accept',
  'accept4',
  'sigwaitinfo',
  'usleep',
  'sleep',
];

let directory = '';
let library = '';
let careless = '';

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-wipe-'));
  careless = join(directory, 'careless');
  library = await compileWipe(directory);
  await run(['gcc', '-O0', '-pthread', '-o', careless, CARELESS]);
});

after(() => rmSync(directory, { recursive: true }));

/** Which kinds of secret are still in the memory of the careless program once it waits. */
async function leftBehind(call: string, options: SpawnOptions): Promise<string[]> {
  const digits = () => 100 + below(systemRandom, 150);
  const address = `198.18.${digits()}.${digits()}`;
  const secrets = KINDS.map((kind) => marked(kind, kind === 'dotted' ? address : randomWord(systemRandom)));
  const matcher = new Matcher(secrets.flatMap((secret) => patternsOf(secret)));
  const child = spawnChild([careless, call], {
    ...options,
    stdin: secrets.map(({ value }) => String(value).padEnd(16, '\0')).join(''),
  });
  try {
    let left = KINDS;
    // It waits some microseconds after it said that it is ready; what it wipes is gone then, what it leaves stays.
    for (let looks = 0; looks < 3; looks += child.output() === 'ready\n' ? 1 : 0) {
      assert.ok(child.running, child.output());
      await delay(20);
      const tally = new Tally(matcher);
      assert.equal(searchMemory(child.pid, tally), 'searched');
      left = tally.hits().map(({ marker }) => marker);
    }
    assert.equal(isWiped(child.pid, library), options.env !== undefined);
    return left;
  } finally {
    await child.stop();
  }
}

test('without the library, every kind of secret stays', async () => {
  assert.deepEqual((await leftBehind('poll', {})).toSorted(), KINDS.toSorted());
});

for (const call of CALLS) {
  test(`with the library, nothing is left once a process waits in ${call}`, async () => {
    assert.deepEqual(await leftBehind(call, wiped(library)), []);
  });
}

test('a running process that has not loaded the library is refused', async () => {
  const [with_, without] = [
    spawnChild(['sleep', '60'], wiped(library, { env: { A: 'b' } })),
    spawnChild(['sleep', '60']),
  ];
  try {
    await assertWiped(with_.pid, library);
    await assert.rejects(assertWiped(without.pid, library), NotWipedError);
  } finally {
    await Promise.all([with_.stop(), without.stop()]);
  }
  assert.equal(isWiped(with_.pid, library), false);
});

test('the options of the caller stay', () => {
  assert.deepEqual(wiped('/x.so', { cwd: '/', env: { A: 'b' } }), { cwd: '/', env: { A: 'b', LD_PRELOAD: '/x.so' } });
});
