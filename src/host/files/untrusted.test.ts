// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readUntrusted } from './untrusted.os.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-untrusted-'));
const at = (name: string) => join(directory, name);
after(() => rmSync(directory, { recursive: true }));

test('a regular file is read, up to the limit', () => {
  writeFileSync(at('file'), 'text');
  assert.equal(readUntrusted(at('file')), 'text');
  assert.equal(readUntrusted(at('file'), 4), 'text');
  assert.equal(readUntrusted(at('file'), 3), undefined);
});

test('a link, a pipe, a socket, a device, a directory and nothing at all are no files', async () => {
  writeFileSync(at('victim'), 'secret');
  symlinkSync(at('victim'), at('link'));
  symlinkSync('/dev/zero', at('endless'));
  symlinkSync(at('nowhere'), at('dangling'));
  mkdirSync(at('directory'));
  assert.equal(spawnSync('mkfifo', [at('pipe')]).status, 0);
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(at('socket'), resolve));
  for (const name of ['link', 'endless', 'dangling', 'directory', 'pipe', 'socket', 'absent']) {
    assert.equal(readUntrusted(at(name)), undefined, name);
  }
  assert.equal(readUntrusted('/dev/zero'), undefined);
  await new Promise((resolve) => server.close(resolve));
});

test('what cannot be answered for is an error', () => {
  assert.throws(() => readUntrusted(join(at('file'), 'below')), { code: 'ENOTDIR' });
});
