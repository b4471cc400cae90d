// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../../host/processes/process.os.ts';
import { MODE, type Packed, zipOf } from './zip.ts';

const FILES = [
  { fileName: 'ch-zrh/zrh-01.conf', content: '[Interface]\n' },
  { fileName: 'zurich.txt', content: 'ü'.repeat(5000) },
  { fileName: 'empty', content: '' },
];

async function unzipped(archive: Uint8Array, look: (directory: string) => void): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-zip-'));
  try {
    const path = join(directory, 'a.zip');
    writeFileSync(path, archive);
    await run(['unzip', '-tq', path]);
    await run(['unzip', '-q', path, '-d', directory]);
    look(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test('unzip reads an archive back, byte for byte, and finds nothing wrong with it', async () => {
  for (const deflated of [false, true]) {
    await unzipped(zipOf(FILES, { deflated }), (directory) => {
      for (const { fileName, content } of FILES) assert.equal(readFileSync(join(directory, fileName), 'utf8'), content);
    });
  }
  assert.ok(zipOf(FILES, { deflated: true }).length < 600, 'what is the same over and over takes little');
});

test('programs stay programs, links stay links, and bytes stay bytes', async () => {
  const files: Packed[] = [
    { fileName: 'bin/start', content: '#!/bin/sh\n', mode: MODE.program },
    { fileName: 'masked.service', content: '/dev/null', mode: MODE.link },
    { fileName: 'raw.bin', content: Uint8Array.of(0, 255, 128) },
  ];
  await unzipped(zipOf(files, { deflated: true }), (directory) => {
    assert.equal(statSync(join(directory, 'bin/start')).mode & 0o777, 0o755);
    assert.equal(readlinkSync(join(directory, 'masked.service')), '/dev/null');
    assert.deepEqual([...readFileSync(join(directory, 'raw.bin'))], [0, 255, 128]);
    assert.equal(statSync(join(directory, 'raw.bin')).mode & 0o777, 0o644);
  });
});

test('an archive of nothing is one, and two of the same files are the same bytes', async () => {
  assert.equal(zipOf([]).length, 22);
  assert.deepEqual(zipOf(FILES), zipOf(FILES));
});
