// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { waitUntil } from '../../src/core/clock/until.ts';
import { systemRandom } from '../../src/core/random/random.ts';
import { type Child, spawnChild } from '../../src/host/processes/process.os.ts';
import { untilSays } from '../../src/host/processes/ready.os.ts';
import { marked, patternsOf, randomWord } from './marker.ts';
import { Matcher } from './matcher.ts';
import { searchMemory } from './memory.os.ts';
import { Tally } from './place.ts';

const PREPARE = `
  const seed = Buffer.from(process.argv[1], 'hex').map((byte) => byte ^ 1);
  const secret = seed.toString('latin1');
`;

/** A Node program that made a secret from its argument, did something with it, and said so. */
async function victim(secret: string, deed: string): Promise<Child> {
  const disguised = Uint8Array.from(Buffer.from(secret), (byte) => byte ^ 1).toHex();
  const code = `${PREPARE}${deed}; process.stdout.write('ready'); setInterval(() => undefined, 1000);`;
  const child = spawnChild(['node', '-e', code, disguised]);
  await untilSays(child, 'node', /^ready$/);
  return child;
}

function look(child: Child, secret: string): { encodings: string[]; bytes: number } {
  const tally = new Tally(new Matcher(patternsOf(marked('secret', secret))));
  assert.equal(searchMemory(child.pid, tally), 'searched');
  return { encodings: tally.hits().map(({ encoding }) => encoding), bytes: tally.bytes };
}

for (const [deed, encoding] of [
  ['globalThis.kept = Buffer.from(secret)', 'ascii'],
  ['globalThis.kept = Buffer.from(secret, "utf16le")', 'utf-16le'],
  ['globalThis.kept = Buffer.from(seed.toString("base64") + btoa("from " + secret))', 'base64'],
  ['globalThis.kept = require("node:crypto").createHash("sha256").update(secret).digest()', 'sha-256'],
] as const) {
  test(`a secret that a process keeps as ${encoding} is found`, async () => {
    const secret = randomWord(systemRandom);
    const child = await victim(secret, deed);
    try {
      const seen = look(child, secret);
      assert.ok(seen.encodings.includes(encoding), seen.encodings.join());
      assert.ok(seen.bytes > 1e6);
    } finally {
      await child.stop();
    }
  });
}

test('a secret that crosses the border of two pages, at the end of a gigabyte that was never touched', async () => {
  const secret = randomWord(systemRandom);
  const child = await victim(
    secret,
    'globalThis.kept = Buffer.from(new ArrayBuffer(2 ** 30)); kept.write(secret, 2 ** 30 - 4096 - 8, "latin1")',
  );
  try {
    const seen = look(child, secret);
    assert.ok(seen.encodings.includes('ascii'));
    assert.ok(seen.bytes < 2 ** 29, 'pages that hold nothing are not read');
  } finally {
    await child.stop();
  }
});

test('a process that does not know the secret shows nothing', async () => {
  const child = await victim(randomWord(systemRandom), '');
  try {
    assert.deepEqual(look(child, randomWord(systemRandom)).encodings, []);
  } finally {
    await child.stop();
  }
});

test('a process that is gone, or has ended and waits to be collected, has vanished', async () => {
  const tally = new Tally(new Matcher(patternsOf(marked('secret', randomWord(systemRandom)))));
  const child = spawnChild(['sh', '-c', 'sleep 0 & echo $!; exec sleep 60']);
  try {
    await untilSays(child, 'the program', /./);
    const zombie = Number(child.output());
    await waitUntil('it has ended', () => / Z /.test(readFileSync(`/proc/${zombie}/stat`, 'utf8')));
    assert.equal(searchMemory(zombie, tally), 'vanished');
  } finally {
    await child.stop();
  }
  assert.equal(searchMemory(child.pid, tally), 'vanished');
  assert.equal(tally.bytes, 0);
});
