// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { run, spawnChild } from '../host/processes/process.os.ts';
import { untilSays } from '../host/processes/ready.os.ts';
import { CannotStart, kernelCanServe, lockDirectory, needRoot, portIsFree, swapsTo } from './machine.os.ts';

test('a taken port is one clear sentence', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await assert.rejects(portIsFree({ host: '127.0.0.1', port }), new RegExp(`Port ${port} on 127.0.0.1 is taken`));
  await new Promise((resolve) => server.close(resolve));
  await portIsFree({ host: '127.0.0.1', port });
  await assert.rejects(portIsFree({ host: '203.0.113.1', port }), /Cannot listen on 203.0.113.1/);
});

test('a directory is locked once and free again afterwards, and no other user can lock it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-lock-'));
  try {
    chmodSync(directory, 0o711);
    const unlock = lockDirectory(directory);
    assert.throws(() => lockDirectory(directory), /already runs/);
    unlock();
    const user = { uid: 65_534, gid: 65_534 };
    await assert.rejects(run(['flock', '--nonblock', join(directory, 'lock'), 'true'], { user }), /Permission denied/);
    lockDirectory(directory)();
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a killed process leaves the directory unlocked', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-lock-'));
  const script = `const { lockDirectory } = await import(${JSON.stringify(new URL('machine.os.ts', import.meta.url).href)});
    lockDirectory(${JSON.stringify(directory)}); console.log('locked'); setInterval(() => undefined, 1000);`;
  const holder = spawnChild([process.execPath, '--input-type=module', '-e', script]);
  try {
    await untilSays(holder, 'holder', /locked/);
    assert.throws(() => lockDirectory(directory), /already runs/);
    holder.signal('SIGKILL');
    await holder.exited;
    lockDirectory(directory)();
  } finally {
    await holder.stop();
    rmSync(directory, { recursive: true });
  }
});

test('swap on a disk is found, and swap in memory is none', () => {
  const table = (...names: string[]) =>
    ['Filename\tType\tSize\tUsed\tPriority', ...names.map((name) => `${name}   partition\t1048572\t0\t-2`), ''].join(
      '\n',
    );
  assert.deepEqual(swapsTo(table()), []);
  assert.deepEqual(swapsTo(table('/dev/zram0')), []);
  assert.deepEqual(swapsTo(table('/dev/sda2', '/dev/zram0', '/swapfile')), ['/dev/sda2', '/swapfile']);
  assert.ok(Array.isArray(swapsTo()), "this machine's own table can be read");
});

test('a gateway needs root', () => {
  needRoot(0);
  assert.throws(() => needRoot(1000), CannotStart);
});

test('this kernel can serve, and a missing feature is named', async () => {
  await kernelCanServe();
  await assert.rejects(kernelCanServe('/dev/absent'), /has no \/dev\/absent/);
  await assert.rejects(
    kernelCanServe('/dev/net/tun', [
      { argv: ['ip', 'link', 'add', 'x', 'type', 'absent'], missing: 'absent (CONFIG_ABSENT)' },
    ]),
    /lacks absent \(CONFIG_ABSENT\)/,
  );
});

test('a plain chroot is refused in one sentence', async () => {
  const root = mkdtempSync(join(tmpdir(), 'lethe-chroot-'));
  const module = new URL('machine.os.ts', import.meta.url).href;
  const script = `const { kernelCanServe } = await import(${JSON.stringify(module)});
    await kernelCanServe('/dev/null').catch(({ message }) => console.log(message));`;
  const inside = ['chroot', root, process.execPath, '--input-type=module', '-e', script];
  // Another root with everything in it that is in ours.
  const mounted = `mount -t tmpfs none "$0" && cd / && for name in *; do
    if [ -L "$name" ]; then cp -d "$name" "$0"; elif [ -d "$name" ]; then mkdir "$0/$name"; mount --rbind "$name" "$0/$name"; fi
  done && exec "$@"`;
  try {
    const said = await run(['unshare', '--mount', '--', 'sh', '-c', mounted, root, ...inside]);
    assert.match(said, /^This is a chroot, and a gateway needs a root of its own: /);
  } finally {
    rmdirSync(root);
  }
});
