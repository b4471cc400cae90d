// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { waitUntil } from '../../src/core/clock/until.ts';
import { spawnChild } from '../../src/host/processes/process.os.ts';
import { parseTrace, watchFiles } from './opened.os.ts';

test('calls that write are seen, those that read are not', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-opened-'));
  const script = [
    'cd "$0"; while [ ! -e go ]; do sleep 0.01; done',
    'read line < go',
    'echo x > written; echo x >> written; mkdir made; mv written moved; ln moved linked; rm linked',
    'echo x > /dev/null; echo x > absent/file; : > done; exec sleep 60',
  ].join('\n');
  const [busy, idle] = [spawnChild(['sh', '-c', script, directory]), spawnChild(['sleep', '60'])];
  try {
    const watch = await watchFiles([busy.pid, idle.pid]);
    writeFileSync(join(directory, 'go'), 'line\n');
    await waitUntil('the last change is seen', () => watch.changes.some(({ path }) => path === 'done'));
    const seen = (await watch.stop()).map(({ call, path }) => `${call} ${path}`);
    for (const expected of [
      /^open(at)? written$/,
      /^mkdir(at)? made$/,
      /^rename(at2?)? written$/,
      /^link(at)? moved$/,
      /^unlink(at)? linked$/,
      /absent\/file/,
    ]) {
      assert.ok(
        seen.some((change) => expected.test(change)),
        `${expected} in ${seen.join(', ')}`,
      );
    }
    assert.equal(
      seen.some((change) => /\/dev\/null| go$/.test(change)),
      false,
    );
    assert.deepEqual(
      watch.changes.filter(({ pid }) => pid === idle.pid),
      [],
    );
    assert.ok(readdirSync(directory).includes('moved'));
    assert.ok(busy.running && idle.running, 'watching ends no process');
  } finally {
    await Promise.all([busy.stop(), idle.stop()]);
    rmSync(directory, { recursive: true });
  }
});

test('a process that is not there cannot be watched', async () => {
  await assert.rejects(watchFiles([2 ** 22 + 1]), /strace could not attach/);
});

test('lines of strace', () => {
  assert.deepEqual(parseTrace('[pid 42] openat(AT_FDCWD, "/run/x", O_WRONLY|O_CREAT, 0600) = 3'), {
    pid: 42,
    call: 'openat',
    path: '/run/x',
  });
  assert.deepEqual(parseTrace('creat("a \\"b\\"", 0600) = 3')?.path, 'a \\"b\\"');
  assert.deepEqual(parseTrace('42 openat(3, 0x7ffe, O_RDWR) = -1 EFAULT')?.path, '');
  for (const line of [
    'openat(AT_FDCWD, "/etc/hosts", O_RDONLY|O_CLOEXEC) = 3',
    'open("/dev/null", O_RDWR) = 3',
    'read(3, "O_WRONLY", 8) = 8',
    '<... openat resumed>) = 3',
    'strace: Process 42 attached',
    '',
  ]) {
    assert.equal(parseTrace(line), undefined, line);
  }
});
