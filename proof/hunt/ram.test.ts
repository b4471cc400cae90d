// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Hunt } from './hunt.os.ts';
import { marked, markedAddress } from './marker.ts';
import { type Occurrence, RamLooks } from './ram.ts';

const SIZE = 5 << 20;

test('a file of memory is searched to its end, and each occurrence has its address', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-ram-'));
  const path = join(directory, 'ram');
  try {
    const places = [0, (1 << 20) - 3, SIZE - 11];
    const file = openSync(path, 'w');
    for (const place of places) writeSync(file, 'k2v9x3m7q4t', place);
    closeSync(file);
    truncateSync(path, SIZE);
    const hunt = new Hunt();
    hunt.plant(marked('word', 'k2v9x3m7q4t'));
    const { bytes, occurrences } = await hunt.ram(path);
    assert.equal(bytes, SIZE);
    assert.deepEqual(
      occurrences.map(({ marker, length, address }) => [marker, length, address]),
      places.map((place) => ['word', 11, place]),
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

const met = (address: number, length = 4, marker = 'source'): Occurrence => ({
  marker,
  encoding: length === 4 ? 'binary-be' : 'ascii',
  length,
  address,
});

test('four bytes that stood there before anybody came are chance, there and nowhere else; longer ones are not', () => {
  const looks = new RamLooks();
  const placeOf = ({ address }: Occurrence) => (address < 100 ? 'kernel' : 'daemon');
  looks.add('before', { bytes: 1000, occurrences: [met(8), met(300, 11)] }, placeOf);
  looks.add(
    '+60 s',
    { bytes: 1000, occurrences: [met(8), met(12), met(16, 11), met(8, 4, 'other'), met(400)] },
    placeOf,
  );
  assert.equal(looks.chance, 1);
  const found = looks.sightings((place) => (place === 'kernel' ? 'daemon' : 'own'));
  const counts = (phase: string, place: string) =>
    found
      .filter((sighting) => sighting.phase === phase && sighting.place === place)
      .flatMap(({ hits }) => hits.map(({ marker, encoding, count, at }) => `${marker} ${encoding} ${count} ${at}`));
  assert.deepEqual(counts('before', 'kernel'), []);
  assert.deepEqual(counts('before', 'daemon'), ['source ascii 1 0x12c']);
  assert.deepEqual(counts('+60 s', 'kernel'), [
    'source binary-be 1 0xc',
    'source ascii 1 0x10',
    'other binary-be 1 0x8',
  ]);
  assert.deepEqual(counts('+60 s', 'daemon'), ['source binary-be 1 0x190']);
  assert.equal(
    found.reduce((sum, { bytes }) => sum + bytes, 0),
    2000,
  );
});

test('what only a machine knows is noted with the rest, and judged', () => {
  const hunt = new Hunt();
  hunt.plant(markedAddress('source', '198.18.7.9'));
  const looks = new RamLooks();
  looks.add('connected', { bytes: 10, occurrences: [met(0)] }, () => 'agent');
  hunt.note(looks.sightings(() => 'own'));
  const report = hunt.verdict({ expected: [], allowed: [], controls: [{ name: 'leak', found: true }] });
  assert.deepEqual(
    report.findings.map(({ place, count }) => [place, count]),
    [['agent', 1]],
  );
});
