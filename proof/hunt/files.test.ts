// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { systemRandom } from '../../src/core/random/random.ts';
import { spawnChild } from '../../src/host/processes/process.os.ts';
import { untilSays } from '../../src/host/processes/ready.os.ts';
import { searchBytes, searchOpenFiles, searchTree } from './files.os.ts';
import { marked, patternsOf, randomWord } from './marker.ts';
import { Matcher } from './matcher.ts';
import { type Hit, Tally } from './place.ts';

let directory = '';
let secret = '';
let tally = new Tally(new Matcher([]));

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-files-'));
  secret = randomWord(systemRandom);
  tally = new Tally(new Matcher(patternsOf(marked('secret', secret))));
});

afterEach(() => rmSync(directory, { recursive: true }));

function onlyHit(): Hit {
  const [hit, ...others] = tally.hits();
  assert.ok(hit !== undefined && others.length === 0, JSON.stringify(tally.hits()));
  return hit;
}

test('a line in a file below the directory', () => {
  mkdirSync(join(directory, 'deep/deeper'), { recursive: true });
  writeFileSync(join(directory, 'deep/deeper/log'), `login ${secret}\nlogout ${secret}\n`);
  assert.equal(searchTree(directory, tally), 1);
  assert.deepEqual(onlyHit(), {
    marker: 'secret',
    encoding: 'ascii',
    count: 2,
    at: join(directory, 'deep/deeper/log'),
  });
});

test('the name of a file, of a directory and the target of a link', () => {
  writeFileSync(join(directory, secret), '');
  mkdirSync(join(directory, `d-${secret}`));
  symlinkSync(`/somewhere/${secret}`, join(directory, 'link'));
  searchTree(directory, tally);
  assert.equal(onlyHit().count, 3);
});

test('a file that is larger than what is looked into', () => {
  const path = join(directory, 'large');
  writeFileSync(path, '');
  truncateSync(path, 70 << 20);
  writeFileSync(path, secret, { flag: 'a' });
  searchTree(directory, tally);
  assert.equal(onlyHit().count, 1);
  assert.ok(tally.bytes > 70 << 20);
});

test('a directory that is not there has no files', () => {
  assert.equal(searchTree(join(directory, 'absent'), tally), 0);
  assert.equal(searchOpenFiles(2 ** 22 + 1, tally), 0);
});

const PACKED: Readonly<Record<string, (text: string) => Uint8Array>> = {
  gzip: (text) => gzipSync(text),
  'zlib in the middle of other bytes': (text) => Buffer.concat([Buffer.from('x'.repeat(33)), deflateSync(text)]),
  'gzip that was cut off': (text) => gzipSync(text + systemRandom.bytes(4096).toBase64()).subarray(0, 2000),
  'gzip in gzip': (text) => gzipSync(gzipSync(text)),
  'gzip in base64 in JSON': (text) => Buffer.from(JSON.stringify({ body: gzipSync(text).toString('base64') })),
};

for (const [how, pack] of Object.entries(PACKED)) {
  test(`what is packed is found: ${how}`, () => {
    // Repeated, so that the packed form does not contain it as it is.
    searchBytes('stream', pack(`${secret.slice(0, 9)} ${secret}`), tally);
    assert.equal(onlyHit().at, 'stream (unpacked)');
  });
}

test('bytes that only look packed do no harm', () => {
  for (let round = 0; round < 50; round += 1) {
    const junk = Buffer.from(systemRandom.bytes(600));
    junk.set([0x1f, 0x8b, 0x08], 10);
    junk.set([0x78, 0x9c], 100);
    junk.writeUInt32LE((80 << 2) | 2, 200);
    junk.writeUInt32LE(300, 204);
    junk.write('H4sIAAAA????', 400);
    searchBytes('junk', junk, tally);
  }
  searchBytes('empty stream', gzipSync(''), tally);
  assert.deepEqual(tally.hits(), []);
});

test('a file that a process holds open, deleted or not', async () => {
  const path = join(directory, 'held');
  writeFileSync(path, secret);
  const child = spawnChild(['sh', '-c', 'exec 3<"$0" && rm "$0" && echo gone && exec sleep 60', path]);
  try {
    await untilSays(child, 'the program', /./);
    assert.equal(searchOpenFiles(child.pid, tally), 1);
    assert.match(onlyHit().at, /held \(deleted\)$/);
  } finally {
    await child.stop();
  }
});
