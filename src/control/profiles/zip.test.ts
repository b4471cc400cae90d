// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { run } from '../../host/processes/process.os.ts';
import { zipOf } from './zip.ts';

const FILES = [
  { fileName: 'ch-zrh/zrh-01.conf', content: '[Interface]\n' },
  { fileName: 'zurich.txt', content: 'ü'.repeat(5000) },
  { fileName: 'empty', content: '' },
];

test('unzip reads an archive back, byte for byte, and finds nothing wrong with it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-zip-'));
  try {
    const path = join(directory, 'a.zip');
    writeFileSync(path, zipOf(FILES));
    await run(['unzip', '-tq', path]);
    await run(['unzip', '-q', path, '-d', directory]);
    for (const { fileName, content } of FILES) assert.equal(readFileSync(join(directory, fileName), 'utf8'), content);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('an archive of nothing is one, and two of the same files are the same bytes', async () => {
  assert.equal(zipOf([]).length, 22);
  assert.deepEqual(zipOf(FILES), zipOf(FILES));
});
